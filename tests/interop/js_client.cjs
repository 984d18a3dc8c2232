// Every EC2 and STS operation that ec2sim offers, asked by the AWS SDK for JavaScript. argv: the end point, an image. Writes what was asked for, as JSON: [[service, operation]].
const assert = require('assert');
const ec2Package = require('@aws-sdk/client-ec2');
const { STSClient, GetCallerIdentityCommand, AssumeRoleCommand } = require('@aws-sdk/client-sts');

const [endpoint, ImageId] = process.argv.slice(2);
const settings = { region: 'us-east-1', endpoint };
const asked = new Set();

function counted(client) {
  client.middlewareStack.add((next, context) => (args) => {
    asked.add(`${client.config.serviceId.toLowerCase()} ${context.commandName.replace(/Command$/, '')}`);
    return next(args);
  }, { step: 'initialize' });
  return client;
}

const ec2 = counted(new ec2Package.EC2Client(settings));
const ask = (name, input = {}) => ec2.send(new ec2Package[`${name}Command`](input));
const refused = (code, name, input) => assert.rejects(ask(name, input), (e) => e.name === code && Boolean(e.$metadata.requestId));

async function pages(name, key, pageSize, input = {}) {
  const found = [];
  for await (const page of ec2Package[`paginate${name}`]({ client: ec2, pageSize }, input)) {
    assert((page[key] || []).length <= pageSize);
    found.push(...(page[key] || []));
  }
  return found;
}

async function listings() {
  const all = (await pages('DescribeInstances', 'Reservations', 20)).flatMap((r) => r.Instances);
  assert.strictEqual(new Set(all.map((i) => i.InstanceId)).size, 60);
  const running = all.filter((i) => i.State.Name === 'running' && i.NetworkInterfaces.length > 0);
  const [one] = running;
  assert(one.LaunchTime instanceof Date);
  assert((await ask('DescribeVpcs')).Vpcs.some((v) => v.VpcId === one.VpcId));
  assert((await ask('DescribeSubnets')).Subnets.some((s) => s.SubnetId === one.SubnetId));
  const inVpc = await pages('DescribeInstances', 'Reservations', 50, { Filters: [{ Name: 'vpc-id', Values: [one.VpcId] }] });
  assert.deepStrictEqual([...new Set(inVpc.flatMap((r) => r.Instances).map((i) => i.VpcId))], [one.VpcId]);
  const nics = await ask('DescribeNetworkInterfaces', { NetworkInterfaceIds: [one.NetworkInterfaces[0].NetworkInterfaceId] });
  assert.strictEqual(nics.NetworkInterfaces[0].Attachment.InstanceId, one.InstanceId);
  await refused('InvalidInstanceID.NotFound', 'DescribeInstances', { InstanceIds: ['i-00000000000000001'] });
  assert((await pages('DescribeTrafficMirrorTargets', 'TrafficMirrorTargets', 5)).length > 0);
  assert.strictEqual((await ask('DescribeImages', { Filters: [{ Name: 'image-id', Values: [ImageId, 'ami-0'] }] })).Images.length, 1);
  assert((await pages('DescribeSecurityGroups', 'SecurityGroups', 5)).some((g) => g.VpcId === one.VpcId));
  assert((await pages('DescribeNetworkAcls', 'NetworkAcls', 5)).some((a) => a.VpcId === one.VpcId && a.Entries.length > 0));
  assert((await pages('DescribeRouteTables', 'RouteTables', 5)).some((t) => t.VpcId === one.VpcId && t.Routes.length > 0));
  assert((await ask('DescribeRegions')).Regions.some((r) => r.RegionName === 'us-east-1'));
  const [endpointOfTarget] = (await ask('DescribeVpcEndpoints')).VpcEndpoints;
  const Filters = [{ Name: 'service-name', Values: [endpointOfTarget.ServiceName] }];
  assert.strictEqual((await ask('DescribeVpcEndpointServiceConfigurations', { Filters })).ServiceConfigurations[0].GatewayLoadBalancerArns.length, 1);
  return running;
}

async function launch(SubnetId) {
  const Tags = [{ Key: 'Name', Value: 'target & <co>' }];
  const input = {
    ImageId, SubnetId, InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, ClientToken: 'launch-1', TagSpecifications: [{ ResourceType: 'instance', Tags }],
  };
  const [launched] = (await ask('RunInstances', input)).Instances;
  assert.strictEqual((await ask('RunInstances', input)).Instances[0].InstanceId, launched.InstanceId);
  await refused('IdempotentParameterMismatch', 'RunInstances', { ...input, InstanceType: 't3.small' });
  return launched;
}

async function sessions(running, TrafficMirrorTargetId) {
  const made = [];
  const { TrafficMirrorFilters } = await ask('DescribeTrafficMirrorFilters');
  const [{ TrafficMirrorFilterId }] = TrafficMirrorFilters;
  for (const [n, instance] of running.entries()) {
    try {
      const { NetworkInterfaceId } = instance.NetworkInterfaces[0];
      const { TrafficMirrorSession } = await ask('CreateTrafficMirrorSession', {
        NetworkInterfaceId, TrafficMirrorTargetId, TrafficMirrorFilterId, SessionNumber: 100 + n, PacketLength: 128,
        TagSpecifications: [{ ResourceType: 'traffic-mirror-session', Tags: [{ Key: 'k', Value: String(n) }] }],
      });
      made.push(TrafficMirrorSession);
    } catch (e) {
      assert(['NetworkInterfaceNotSupported', 'TrafficMirrorSourcesPerTargetLimitExceeded'].includes(e.name), e);
    }
  }
  assert(made.length > 0 && made[0].PacketLength === 128);
  const { TrafficMirrorSessionId } = made[0];
  const { TrafficMirrorSession } = await ask('ModifyTrafficMirrorSession', { TrafficMirrorSessionId, SessionNumber: 7, RemoveFields: ['packet-length'] });
  assert(TrafficMirrorSession.SessionNumber === 7 && TrafficMirrorSession.PacketLength === undefined);
  const listed = new Map((await pages('DescribeTrafficMirrorSessions', 'TrafficMirrorSessions', 5)).map((s) => [s.TrafficMirrorSessionId, s]));
  assert(made.every((s) => listed.get(s.TrafficMirrorSessionId).Tags.some((t) => t.Key === 'k')));
  assert.strictEqual(listed.get(TrafficMirrorSessionId).SessionNumber, 7);
  for (const session of made) await ask('DeleteTrafficMirrorSession', { TrafficMirrorSessionId: session.TrafficMirrorSessionId });
}

async function tags(resource, other) {
  const of = { Filters: [{ Name: 'resource-id', Values: [resource] }] };
  await ask('CreateTags', { Resources: [resource, other], Tags: [{ Key: 'a', Value: 'b c&d' }] });
  assert((await ask('DescribeTags', of)).Tags.some((t) => t.Key === 'a' && t.Value === 'b c&d'));
  await ask('DeleteTags', { Resources: [resource], Tags: [{ Key: 'a' }] });
  assert.strictEqual(((await ask('DescribeTags', of)).Tags || []).length, 0);
}

async function identities() {
  const sts = counted(new STSClient(settings));
  const { Account } = await sts.send(new GetCallerIdentityCommand({}));
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${Account}:role/js`, RoleSessionName: 'js' }));
  assert(Credentials.Expiration instanceof Date);
  const credentials = { accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken };
  const as = await new STSClient({ ...settings, credentials }).send(new GetCallerIdentityCommand({}));
  assert.strictEqual(as.Arn, `arn:aws:sts::${Account}:assumed-role/js/js`);
  const wrong = new ec2Package.EC2Client({ ...settings, credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-the-one' } });
  await assert.rejects(wrong.send(new ec2Package.DescribeVpcsCommand({})), (e) => e.name === 'AuthFailure' || e.name === 'SignatureDoesNotMatch');
}

async function main() {
  const running = await listings();
  const launched = await launch(running[0].SubnetId);
  const { TrafficMirrorTarget } = await ask('CreateTrafficMirrorTarget', {
    NetworkInterfaceId: launched.NetworkInterfaces[0].NetworkInterfaceId, Description: 'made by JavaScript',
  });
  const { TrafficMirrorTargetId } = TrafficMirrorTarget;
  assert.strictEqual(TrafficMirrorTarget.Type, 'network-interface');
  await sessions(running, TrafficMirrorTargetId);
  await tags(TrafficMirrorTargetId, running[0].InstanceId);
  await ask('DeleteTrafficMirrorTarget', { TrafficMirrorTargetId });
  await refused('InvalidTrafficMirrorTargetId.NotFound', 'DeleteTrafficMirrorTarget', { TrafficMirrorTargetId });
  const [ended] = (await ask('TerminateInstances', { InstanceIds: [launched.InstanceId] })).TerminatingInstances;
  assert(['shutting-down', 'terminated'].includes(ended.CurrentState.Name));
  await identities();
  process.stdout.write(JSON.stringify([...asked].sort().map((both) => both.split(' '))));
}

main().catch((e) => { console.error(e); process.exitCode = 1; });
