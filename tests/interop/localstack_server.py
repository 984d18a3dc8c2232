"""LocalStack on this machine, without a container. Its wheel does not name the runtime's components, so they are put together here."""
from localstack.aws.components import AwsComponents
from localstack.runtime import hooks, runtime


def create():
    hooks.on_runtime_create.run()
    return runtime.LocalstackRuntime(AwsComponents())


runtime.create_from_environment = create
from localstack.runtime.main import main  # noqa: E402  (it takes the function by name)

main()
