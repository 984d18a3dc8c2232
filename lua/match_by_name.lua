-- Takes every instance whose Name tag looks like a production web server, whatever VPC it is in;
-- all others go by the configuration. Here the rule is the one called "web"; give it that `name`.

local function name_of(instance)
	for _, tag in ipairs(instance.Tags) do
		if tag.Key == "Name" then
			return tag.Value
		end
	end
	return ""
end

return {
	match = function(instance, rule)
		if rule.Name == "web" then
			return name_of(instance):find("^web%-%d+%.prod$") ~= nil
		end
		return nil -- the default answer
	end,
}
