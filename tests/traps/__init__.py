"""Sixteen ways in which a hand-written ablation script misleads its author, and tests that ablatrix goes none of them.

Each test says which trap it stands for.

 1. The output is found to be wrong, and the row stays among the speed-ups: nothing reads the check.
 2. The average of no values is computed as 0.0, or a failed configuration is drawn as a bar of 0 ms: the best of all.
 3. What fails early is written without its knobs, so all early failures meet in one group that belongs to nobody.
 4. Rows of two machines, two versions of the code or two layouts of the file meet in one mean.
 5. Every point of the grid failed, and the exit code says that all is well.
 6. The compiler fails, something else runs in its place, and its time is entered under the compiler's name.
 7. A knob never reached the program; its two levels are two names of one program, and a difference is reported.
 8. The cache is asked with too short a key, and answers with code that was built for something else.
 9. A program found on disk was not compiled, and the table says that compiling it took 0 ms.
10. Watching the compiler takes time, more at one level than at another, and that time is in the result.
11. One process runs the levels in the order of the file, once each; a percentile is a position in a sorted list.
12. The record says what was asked of the environment; whether it came in time to take effect is not known.
13. Memory is what a formula predicts. Nobody looked at the process.
14. Each timed call copies the inputs and the weights again, and the copy is what is timed.
15. The format of the rows is tested on those that went well, in memory; the failures on stdout have another one.
16. The list of digests is written and never read again; that results are whole is a sentence in a README.
"""
