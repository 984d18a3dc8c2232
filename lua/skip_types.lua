-- Leaves small burstable instances out: mirrored traffic counts against their bandwidth.

local skipped = {
	["t3.nano"] = true,
	["t3.micro"] = true,
	["t3.small"] = true,
	["t4g.nano"] = true,
	["t4g.micro"] = true,
	["t4g.small"] = true,
}

return {
	eligible = function(instance)
		if skipped[instance.InstanceType] then
			return false, "too small: " .. instance.InstanceType
		end
		return nil
	end,
}
