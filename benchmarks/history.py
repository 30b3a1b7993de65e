"""How often a history of runs raises a false alarm, and how soon it finds a step: in simulations, and on real runs.

Points are log ratios of the new build (*head*) to a *bridge* that is measured beside it; each has the interval of its own
blocks. They scatter by that and by what differs from run to run. A history is looked at after each run, as a user does
who adds runs one at a time; an alarm counts once, when it is first raised.

*Nothing*: series without a change. False alarms per point of a series; also with runs that scatter with heavy tails (Student's t,
3 degrees of freedom), and where one run in 20 is off by 2 %.
*Step*: 40 runs with a step of 2 % behind the 25th; how often it is found within 2 runs, and where.
*Host*: 40 runs of which the last 20 are of a host that is 1.7 times as slow, through the product's own records and
``ablatrix history``: alarms in series of ratios, and in series of plain times for comparison.
*Real*: with ``--real N``, so many whole runs of a tiny study of a program that is 2 % slower from two thirds of the runs on, the last
third with a neighbour that loads the other core, recorded under another host name. Needs a quiet machine otherwise.

    python benchmarks/history.py [--series 500] [--real 12 --keep DIR]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""
