"""moto's server, argv as moto_server's, with three gaps closed: ids of mirror filters and targets begin as AWS's do, DescribeInstances
finds an instance by its interface, and there is DeleteTrafficMirrorTarget. What else it lacks of what tmflow asks for: ClientTokens mean nothing to it, and nothing but instances comes in
pages.
"""
import sys

from moto.core.responses import ActionResult
from moto.ec2 import utils
from moto.ec2.models.instances import Instance
from moto.ec2.responses.traffic_mirrors import TrafficMirrors
from moto.server import main

utils.EC2_RESOURCE_TO_PREFIX.update({"traffic-mirror-filter": "tmf", "traffic-mirror-target": "tmt"})
utils.filter_dict_attribute_mapping["network-interface.network-interface-id"] = "interface_ids"
Instance.interface_ids = property(lambda instance: [nic.id for nic in instance.nics.values()])


def delete_traffic_mirror_target(self):
    target = self._get_param("TrafficMirrorTargetId")
    self.ec2_backend.traffic_mirror_targets.pop(target)
    return ActionResult({"TrafficMirrorTargetId": target})


TrafficMirrors.delete_traffic_mirror_target = delete_traffic_mirror_target
main(sys.argv[1:])
