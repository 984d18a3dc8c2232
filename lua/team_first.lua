-- Tries the rules of one team's subnets before everything else, also before tags.
-- Lower numbers are tried first; the defaults are tags 100, subnets 200, vpcs 300.

local team_subnets = {
	["subnet-0123456789abcdef0"] = true,
	["subnet-0123456789abcdef1"] = true,
}

return {
	priority = function(rule)
		if rule.Kind == "subnets" and team_subnets[rule.SubnetId] then
			return 1
		end
		return nil
	end,
}
