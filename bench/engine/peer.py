"""The real TaskFlow, serial: microseconds of its own time a no-op task, as JSON. Arguments: shape:tasks:runs ..."""
import json
import sys
import time

import taskflow.engines
from taskflow import task, version
from taskflow.patterns import linear_flow, unordered_flow

PATTERNS = {'linear': linear_flow.Flow, 'unordered': unordered_flow.Flow}


class NoOp(task.Task):
    def execute(self):
        return 1


def once(shape, size):
    began = time.process_time()
    flow = PATTERNS[shape]('bench')
    flow.add(*[NoOp(name='t%d' % at, provides='s%d' % at) for at in range(size)])
    built = time.process_time()
    engine = taskflow.engines.load(flow, engine='serial')
    engine.compile()
    compiled = time.process_time()
    engine.run()
    return [built - began, compiled - built, time.process_time() - compiled]


def main():
    rows = []
    once('linear', 10)
    for argument in sys.argv[1:]:
        shape, size, runs = argument.split(':')
        laps = [once(shape, int(size)) for _ in range(int(runs))]
        build, compiled, run = [min(lap) * 1e6 / int(size) for lap in zip(*laps)]
        rows.append({'shape': shape, 'tasks': int(size), 'build': build, 'compile': compiled, 'run': run})
    print(json.dumps({'version': version.version_string(), 'rows': rows}))


main()
