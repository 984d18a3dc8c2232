-- Mirrors a tenth of the fleet: always the same tenth, since it is drawn from the instance's id.

local share = 10

return {
	eligible = function(instance)
		local sum = 0
		for i = 1, #instance.InstanceId do
			sum = (sum * 31 + instance.InstanceId:byte(i)) % 1000003
		end
		if sum % share == 0 then
			return true
		end
		return false, "not in the sample"
	end,
}
