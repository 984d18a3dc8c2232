"""moto's server, argv as moto_server's, with two gaps closed: ids of mirror filters and targets begin as AWS's do, and DescribeInstances finds
an instance by its interface. What else it lacks of what tmflow asks for: ClientTokens mean nothing to it, nothing but instances comes in pages, and
there is no DeleteTrafficMirrorTarget.
"""
import sys

from moto.ec2 import utils
from moto.ec2.models.instances import Instance
from moto.server import main

utils.EC2_RESOURCE_TO_PREFIX.update({"traffic-mirror-filter": "tmf", "traffic-mirror-target": "tmt"})
utils.filter_dict_attribute_mapping["network-interface.network-interface-id"] = "interface_ids"
Instance.interface_ids = property(lambda instance: [nic.id for nic in instance.nics.values()])
main(sys.argv[1:])
