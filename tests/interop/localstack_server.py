"""LocalStack on this machine, without a container. Its wheel does not name the runtime's components, so they are put together here.

Variables it works out with a Java program, for which it downloads Java and jars at the first use; its place is taken by the package
jsonata-python, which is that very program in Python.

Two gaps between its threads are closed, through which tasks fall that workers take and end at once: it offers a task to workers before
it knows the task's token, and it listens for a task's end only after having told that the task has begun.
"""
import jsonata
from localstack.aws.components import AwsComponents
from localstack.runtime import hooks, runtime
from localstack.services.stepfunctions.asl.eval.callback import callback
from localstack.services.stepfunctions.asl.jsonata import jsonata as bridge
from localstack.services.stepfunctions.backend.activity import ActivityTask


def create():
    hooks.on_runtime_create.run()
    return runtime.LocalstackRuntime(AwsComponents())


def evaluate(expression):
    try:
        return jsonata.Jsonata(expression).evaluate(None)
    except jsonata.JException as error:
        raise bridge.JSONataException("UNKNOWN", str(error)) from error


def add_activity_task(pool, callback_id, activity_arn, activity_input):
    activity = pool._activity_store.get(activity_arn)
    if activity is None:
        raise callback.ActivityDoesNotExist()
    endpoint = pool._pool[callback_id] = callback.ActivityCallbackEndpoint(callback_id=callback_id, activity_input=activity_input)
    activity.add_task(ActivityTask(task_token=callback_id, task_input=activity_input))
    return endpoint


def setup_heartbeat_endpoint(endpoint, heartbeat_seconds):
    heartbeat = endpoint._heartbeat_endpoint = callback.HeartbeatEndpoint(heartbeat_seconds=heartbeat_seconds)
    if endpoint._outcome is not None:
        heartbeat.notify()
    return heartbeat


callback.CallbackPoolManager.add_activity_task = add_activity_task
callback.CallbackEndpoint.setup_heartbeat_endpoint = setup_heartbeat_endpoint
bridge._eval_jsonata = evaluate  # LocalStack fills it at the first use, if nobody has
runtime.create_from_environment = create
from localstack.runtime.main import main  # noqa: E402  (it takes the function by name)

main()
