"""The real TaskFlow on SQLite, serial: wall seconds a run of no-op tasks, as JSON. Arguments: folder, shape:tasks ..."""
import contextlib
import json
import sys
import time

import taskflow.engines
from taskflow import task, version
from taskflow.patterns import linear_flow, unordered_flow
from taskflow.persistence import backends

PATTERNS = {'linear': linear_flow.Flow, 'unordered': unordered_flow.Flow}


class NoOp(task.Task):
    def execute(self):
        return 1


def once(backend, shape, size):
    flow = PATTERNS[shape]('bench')
    flow.add(*[NoOp(name='t%d' % at, provides='s%d' % at) for at in range(size)])
    engine = taskflow.engines.load(flow, engine='serial', backend=backend)
    engine.compile()
    engine.prepare()
    began = time.perf_counter()
    engine.run()
    return time.perf_counter() - began


def main():
    backend = backends.fetch({'connection': 'sqlite:///%s/taskflow.sqlite' % sys.argv[1]})
    with contextlib.closing(backend.get_connection()) as connection:
        connection.upgrade()
    rows = []
    for argument in sys.argv[2:]:
        shape, size = argument.split(':')
        seconds = once(backend, shape, int(size))
        rows.append({'shape': shape, 'tasks': int(size), 'tasksPerSecond': int(size) / seconds})
    print(json.dumps({'version': version.version_string(), 'rows': rows}))


main()
