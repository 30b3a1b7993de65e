"""The phrases of the paper in English."""

from collections.abc import Mapping

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.paper.axis_phrases import AXES
from ablatrix.paper.benefit_phrases import BENEFIT
from ablatrix.paper.claim_phrases import CLAIMS
from ablatrix.paper.fragment import Language
from ablatrix.paper.omissions import OMISSIONS
from ablatrix.paper.precision_phrases import PRECISION
from ablatrix.paper.screen_phrases import SCREENS
from ablatrix.paper.setup_phrases import SETUP
from ablatrix.paper.token_phrases import TOKENS
from ablatrix.paper.trial_phrases import TRIALS

PHRASES: Mapping[str, str] = {
    # Small parts
    "from_to": "{least} to {most}",
    "either": "{one} or {other}",
    "with_unit": "{number} {unit}",
    "on_compiler": "{workload} with {compiler}",
    "knob_at": "{knob} {level}",
    "knob_at/on": "{knob}",
    "set_to": "{knob} {level}",
    "set_to/on": "{knob}",
    "percent": "{value}%",
    "percent/ci": "{value}% ({ci})",
    "percent/ci/inner": "{value}%, {ci}",
    "factor": "a factor of {value}",
    "factor/ci": "a factor of {value} ({ci})",
    "factor/ci/inner": "a factor of {value}, {ci}",
    "manifold": "a factor of {value}",
    "manifold/ci": "a factor of {value} ({ci})",
    "manifold/ci/inner": "a factor of {value}, {ci}",
    "by/percent": "of {amount}",
    "by/manifold": "by {amount}",
    "plain": "{value}",
    "plain/ci": "{value} ({ci})",
    "plain/ci/inner": "{value}, {ci}",
    "times": "{value}\N{MULTIPLICATION SIGN}",
    "times/ci": "{value}\N{MULTIPLICATION SIGN} ({ci})",
    "scaled": "{number}{unit}",
    "ci": "CI {ends}",
    "ci/first": "{confidence}% CI {ends}",
    "ends/percent": "{low}\N{EN DASH}{high}%",
    "ends/percent/mixed": "{low}% to {high}%",
    "ends/plain": "{low}\N{EN DASH}{high}",
    "ends/times": "{low}\N{EN DASH}{high}\N{MULTIPLICATION SIGN}",
    "see/figure": " (Figure {number})",
    "see/table": " (Table {number})",
    "at_end/figure": " (Figure {number})",
    "at_end/table": " (Table {number})",
    "as_shown/figure": "; see Figure {number}",
    "as_shown/table": "; see Table {number}",
    "sizes_in/table": "; Table {number} lists their dimensions",
    # Set-up
    "setup/machine": "All experiments ran on a machine with {machines}.",
    "setup/of_machine": "{cores} ({cpu}{isa}{smt}) and {memory} of memory, running {system}{container}",
    "setup/cores": "{count} cores",
    "setup/cores/one": "{count} core",
    "setup/isa": ", {isa}",
    "setup/system": "{os} with Linux {kernel}",
    "linux": "Linux {kernel}",
    "setup/container": ", virtualized ({container})",
    "setup/container/both": " in a container on a virtual machine",
    "setup/smt_on": ", simultaneous multithreading on",
    "setup/smt_off": ", simultaneous multithreading off",
    "gpu": "GPU {gpu}",
    "setup/version": "{name} {versions}",
    "setup/workloads": "The workloads are {workloads}{see}.",
    "setup/workloads/one": "The workload is {workloads}{see}.",
    "setup/workload": "{workload} ({sizes})",
    "setup/size": "{name} = {value}",
    "setup/weights": "{weights} parameters",
    "setup/weights_of": "{weights} parameters ({workload})",
    "setup/count": "We use {count} workloads{see}.",
    "setup/many": "The {count} workloads range in size from {least} to {most}{see}.",
    "setup/levels": "{count} levels from {least} to {most}",
    "setup/trials": "{modes}{threads}",
    "setup/trials/cold": "Every configuration is compiled and run once in each of {blocks} cold blocks, each time in a "
    "fresh process with an empty cache.",
    "setup/trials/cold/one": "Every configuration is compiled and run once, in a fresh process with an empty cache.",
    "setup/trials/hot": "Steady-state times come from {blocks} hot blocks{each}, within which {sides} take turns in "
    "short bursts{rounds}, each time in a new random order.{layout}",
    "setup/trials/hot/one": "Steady-state times come from one hot block{each}, within which {sides} take turns in "
    "short bursts{rounds}, each time in a new random order.{layout}",
    "setup/each/workload": " per workload",
    "setup/each/compiler": " per workload and compiler",
    "setup/side/measured": "all configurations",
    "setup/side/twin": "a second copy of the baseline",
    "setup/rounds": " over {rounds} rounds",
    "layout/padding": " To vary the address-space layout, each process starts with randomly padded stack, heap and "
    "memory mappings.",
    "layout/block": " To vary the address-space layout, each block has its own server process.",
    "layout/both": " To vary the address-space layout, each block has its own server process, and each process starts "
    "with randomly padded stack, heap and memory mappings.",
    "threads": " All libraries use {threads} threads.",
    "threads/one": " All libraries use a single thread.",
    "threads_by_library": " Thread counts are as follows: {threads}.",
    "threads_of": "{library} {threads}",
    # Fairness
    "trials_and_outcomes": "Of the {trials} trials, {outcomes}. {processes}, and only successful trials enter the "
    "statistics.{replaced}",
    "trials_all_ok": "All {trials} trials succeeded, each in its own process.{replaced}",
    "replaced": " Another {count} attempts were replaced by later ones and are not counted.",
    "replaced/one": " Another {count} attempt was replaced by a later one and is not counted.",
    "processes": "Each trial ran in its own process",
    "processes/some": "Those that ran did so in separate processes",
    "of_status": "{status}: {count}",
    "cold_scope": "A cold-start time runs from the moment the program has been loaded to the end of the first run, "
    "starting from an empty cache; it excludes loading the frameworks, building the workload and generating its "
    "inputs.{shares}{tagged}",
    "cold_shares": " In the median over {trials} trials, its shares are {shares}.",
    "cold_shares/most": " In the median over {trials} trials, {shares}; every other phase takes at most {rest}%.",
    "cold_tagged": " The {trials} trials that start from a cache filled by other trials (cache_tag) are not included "
    "in these shares.",
    "cold_tagged/one": " The {trials} trial that starts from a cache filled by other trials (cache_tag) is not "
    "included in these shares.",
    "share_of_part": "{part} ({share}%)",
    "hot_scope": "A steady-state time is that of a single run after warm-up{samples}; it includes neither compilation "
    "nor input generation.",
    "samples": " (the median number of samples per trial is {samples})",
    "protocol": "Configurations are compared only within a block, where their measurements alternate. Ratios are "
    "geometric means over blocks, with {confidence}% confidence intervals (CI) from Student's t-distribution.",
    "protocol/one_block": "Configurations are compared only within a block, where their measurements alternate. As "
    "there is a single block, ratios come without confidence intervals.",
    "precision": "The widest confidence interval of any single-knob effect is {reached}{wanted}.",
    "judgement": "An effect counts as significant if its p-value is at most {alpha}% after Holm correction over all "
    "single-knob effects on the metric; a significant effect within ±{margin}% is marked as small. An effect that is "
    "not significant counts as absent if two one-sided tests place it within ±{margin}%; all others are reported as "
    "not distinguishable from no effect.",
    "warm_up_classes": "Of the {trials} {successful}hot trials of the compared configurations (eager execution and "
    "second copies of the baseline not counted), a change-point analysis of the first iterations classifies {classes}.",
    "warm_up_classes/one": "A change-point analysis of the first iterations classifies all {trials} {successful}hot "
    "trials of the compared configurations as {classes}.",
    "checked_is_timed": "In {same} of {trials} {successful}hot trials of the compared configurations, digests confirm "
    "that the timed executable is the one whose outputs were checked.{others}",
    "checked_is_timed/all": "In all {trials} {successful}hot trials of the compared configurations, digests confirm "
    "that the timed executable is the one whose outputs were checked.",
    "timed_other": " {count} further hot trials timed another executable and enter no statistic.",
    "timed_other/one": " {count} further hot trial timed another executable and enters no statistic.",
    "misses_median": " The median number of misses per cold trial is {medians}.",
    "misses_at": "{misses} with {knob} set to {level}",
    "misses_only": "{misses}",
    "misses_by_workload": "{misses} (depending on the workload)",
    "misses_expected/all": " In all {trials} trials, the number of misses matches the plan, which lists a program's "
    "tasks and the buffers passed between them.",
    "misses_expected": " In {same} of {trials} trials, the number of misses matches the plan, which lists a "
    "program's tasks and the buffers passed between them.",
    "control": "For the {metric}, the A/A control, which runs the baseline a second time in every block, {outcomes}.",
    "control/again": "For the {metric}, the same control {outcomes}.",
    "control_fails": "differs significantly for {units}, whose intervals are widened accordingly; the largest "
    "offset is possible on {worst}",
    "control_fails_on": "differs significantly on {worst}, where all intervals are widened accordingly",
    "control_off": "{place} (ratio {ratio}, off by up to {reach}%)",
    "control_one_block": "rests on a single block and is untested on {places}",
    # Benefit: what the whole gains
    "full/named": "The full configuration ({moves})",
    "full/all": "The full configuration, which moves every knob away from its baseline level,",
    "full/one": "Switching {knob} from {base} to {level}",
    "does/time/less": "reduces the {metric} by {amount}",
    "does/time/more": "increases the {metric} by {amount}",
    "does/size/less": "reduces the {metric} by {amount}",
    "does/size/more": "increases the {metric} by {amount}",
    "does/none": "leaves the {metric} unchanged (within ±{margin}%)",
    "does/unclear": "has no significant effect on the {metric}{within}",
    "does/untested": "brings the {metric} to {ratio} times that of the baseline (one block, not tested)",
    "becomes/time/less": "{metric} decreases by {amount}{over}",
    "becomes/time/more": "{metric} increases by {amount}{over}",
    "becomes/size/less": "{metric} decreases by {amount}{over}",
    "becomes/size/more": "{metric} increases by {amount}{over}",
    "becomes/none": "{metric} stays within ±{margin}% of the baseline's{over}",
    "becomes/unclear": "{metric} does not change significantly{over}{within}",
    "becomes/untested": "{metric} is {ratio} times that of the baseline{over} (one block, not tested)",
    "over/all": " in the geometric mean over all workloads",
    "over/mean": " on average",
    "over/some": " in the geometric mean over {count} of the {workloads} workloads",
    "over/each": " in the geometric mean over the workloads of each compiler",
    "over/one": " on {workload}",
    "in/mean": " on average",
    "in/some": " in the geometric mean over {count} of the {workloads} workloads",
    "in/one": " on {workload}",
    "at": "{amount} on {workload}",
    "at/brackets": "{amount} on {workload}",
    "at/alone": "{amount} on {workload}",
    "range/alike": ", ranging from {least} to {most}",
    "range/two": ", with {least} and {most}",
    "range/mixed": "; on single workloads, the change ranges from {least} to {most}",
    "range/mixed/two": ", with {least} and {most}",
    "range/only/less": "; the only significant change is a decrease {amount} on {workload}",
    "range/only/more": "; the only significant change is an increase {amount} on {workload}",
    "end/less": "a decrease {amount} on {workload}",
    "end/more": "an increase {amount} on {workload}",
    "end/unclear": "no significant change on {workload}",
    "end/untested": "{ratio} times the baseline on {workload}",
    "whole": "{full} {does}{over}{range}{see}.",
    "with/less": "{amount} lower with {compiler}",
    "with/more": "{amount} higher with {compiler}",
    "with/none": "unchanged (within ±{margin}%) with {compiler}",
    "with/untested": "{ratio} times the baseline's with {compiler} (one block, not tested)",
    "ends_of_compilers": "between {least} and {most}, the extremes of the {compilers} compilers",
    "absolute": "The median run time is {before} before this change and {after} after it.",
    "chosen": "The fastest configuration of each workload reduces the run time by between {least} and {most}{see}.",
    "chosen/one": "The fastest configuration reduces the run time by {most}{see}.",
    "chosen/none": "No configuration is significantly faster than the baseline{see}.",
    "eager/whole": "Over {eager}, the full configuration achieves a speedup of {ratio}{over}{range}.",
    "eager/whole/one": "Over {eager}, this configuration achieves a speedup of {ratio}{over}{range}.",
    "eager/whole/no_faster": "Compared with {eager}, the full configuration is no faster: its relative speed is "
    "{ratio}{over}{range}.",
    "eager/whole/one/no_faster": "Compared with {eager}, this configuration is no faster: its relative speed is "
    "{ratio}{over}{range}.",
    "eager/best": "Over {eager}, the fastest configuration of each workload achieves a speedup of "
    "{ratio}{over}{range}.",
    "eager/best/no_faster": "Compared with {eager}, not even the fastest configuration of each workload is faster: its "
    "relative speed is {ratio}{over}{range}.",
    "eager/best/one": "Over {eager}, the fastest configuration achieves a speedup of {ratio}{over}{range}.",
    "eager/best/one/no_faster": "Compared with {eager}, not even the fastest configuration is faster: its relative "
    "speed is {ratio}{over}{range}.",
    "range/speed_up": ", ranging from {least} to {most}",
    "range/speed_up/two": ", with {least} and {most}",
    "at/speed_up": "{ratio} on {workload}",
    "eager/with": "{ratio} with {compiler}",
    "compared": "; of the {workloads} shared workloads, {wins}",
    "wins_of": "{compiler} is fastest on {count}",
    "wins_too": "{compiler} on {count}",
    # Benefit: who earns it
    "shares": "In terms of Shapley values{see}, {knob} saves the most {metric} "
    "({amount}){followed}{more}{lost}{unclear}.",
    "shares/none": "In terms of Shapley values{see}, no knob saves a significant part of the {metric}{lost}.",
    "share": "{knob} ({amount})",
    "shares/followed": ", followed by {others}",
    "shares/more": "; {count} further knobs save at most {most} each",
    "shares/lost": "; time is lost to {knobs}",
    "shares/unclear": "; the share of {knobs} is not significant",
    "shares/unclear_many": "; the shares of {count} knobs are not significant",
    "changes/one": "On its own, {change} {does}{over}.",
    "changes/again": "As for the {metric}, {changes}{others}.",
    "changes/again/size": "As for the {metric}, {changes}{others}.",
    "changes/rest": "; {count} changes have no significant effect",
    "changes/rest/one": "; {count} change has no significant effect",
    "change/saves": "{change} reduces it most ({amount}){over}",
    "change/less": "{change} saves the most {metric} ({amount}){over}",
    "change/more": "{change} costs the most {metric} ({amount}){over}",
    "change/too": "{change} increases it most ({amount}){over}",
    "with_compiler": "{change} with {compiler}",
    "knob_with": "{knob} with {compiler}",
    "interaction/overlap": "The strongest interaction is between {one} and {other}{compiler}: with both, the {metric} "
    "is {amount} higher than their individual effects predict.",
    "interaction/together": "The strongest interaction is between {one} and {other}{compiler}: with both, the {metric} "
    "is {amount} lower than their individual effects predict.",
    "for_compiler": " with {compiler}",
    "knob_of": "{knob} ({compilers})",
    "interaction/overlap/tied": "Among the strongest interactions is that between {one} and {other}{compiler}: with "
    "both, the {metric} is {amount} higher than their individual effects predict.",
    "interaction/together/tied": "Among the strongest interactions is that between {one} and {other}{compiler}: with "
    "both, the {metric} is {amount} lower than their individual effects predict.",
    "more_knobs": "{count} more",
    "nothing": "Not every knob contributes{see}: {clauses}.",
    "nothing/none": "with {knobs}, no workload's {metric} changes by more than {margin}%",
    "nothing/same": "the same program is built at every level of {knobs}, so no effect is claimed",
    "nothing/all_act": "Every knob has a significant effect on the {metric} of at least one workload{see}.",
    "nothing/all_act_compilers": "With every compiler, each knob has a significant effect on the {metric} of at least "
    "one workload{see}.",
    "same_program/less": "with {knob}, the {metric} of {place} is {amount} lower although the same program is built, "
    "which must stem from the order of trials or from something that the records do not capture",
    "same_program/more": "with {knob}, the {metric} of {place} is {amount} higher although the same program is built, "
    "which must stem from the order of trials or from something that the records do not capture",
    "losses": "Taken individually{averaged}, {count} changes of a knob cause a significant slowdown, the largest on "
    "{place}, where {change} increases the {metric} by {amount}.",
    "losses/one": "Taken individually{averaged}, only one change of a knob causes a significant slowdown: on {place}, "
    "{change} increases the {metric} by {amount}.",
    "losses/none": "Taken individually{averaged}, no knob slows any workload down significantly.",
    "averaged": " and averaged over the settings of the others",
    # Benefit: what it costs
    "compile": "With the full configuration, the {becomes}{range}{see}{repaid}.",
    "compile/one": "With the same change, the {becomes}{range}{see}{repaid}.",
    "compile/compilers": "With the full configuration, the {metric} is {changes}{see}{repaid}.",
    "repaid": ". Where faster runs make up for a longer cold start, this takes longest on {place} ({runs} runs, {ci})",
    "repaid/on": ". On {place}, faster runs make up for the longer cold start after {runs} runs ({ci})",
    "repaid/one": "; faster runs make up for the difference after {runs} runs ({ci})",
    "memory": "At the same time, the {becomes}{range}{see}{mostly}{peak}.",
    "memory/mostly": ", with {knob} contributing most (a decrease of {amount} by its Shapley value)",
    "memory/peak": "; the {becomes}",
    "memory/peak/one": "The {becomes}.",
    "best_choice/workloads": "On {count} of the {of} workloads, no other configuration is significantly faster than "
    "the full one{example}.",
    "best_choice/workloads/all": "On no workload is any other configuration significantly faster than the full one.",
    "best_choice/workloads/none": "On every workload, some other configuration is significantly faster than the full "
    "one{example}.",
    "best_choice/compilers": "In {count} of the {of} combinations of workload and compiler, no other configuration is "
    "significantly faster than the full one{example}.",
    "best_choice/compilers/all": "In no combination of workload and compiler is any other configuration significantly "
    "faster than the full one.",
    "best_choice/compilers/none": "In every combination of workload and compiler, some other configuration is "
    "significantly faster than the full one{example}.",
    "best_choice/tested": "In {count} of the {of} cases where the full configuration could be compared with all "
    "others, none of these is significantly faster{example}.",
    "best_choice/tested/none": "Wherever the full configuration could be compared with all others (cases: {of}), some "
    "other one is significantly faster{example}.",
    "best_choice/one/all": "No other configuration is significantly faster than the full one.",
    "best_choice/one/none": "The full configuration is not the fastest one{example}.",
    "all_but": "all changes except {knobs}",
    # Correctness
    "comparisons": "Outputs are compared with those of the same program in {oracle}{draws}. {found}.",
    "changes/rest/named": "; the effect of {knobs} is not significant",
    "comparisons/none/all": "All {comparisons} comparisons in the {trials} trials passed, and every trial was checked",
    "successful": "successful ",
    "tolerance/all": "As a reference for root-mean-square (RMS) errors, we take {unit}. Errors reach at most {ratio} "
    "times this reference{limit}.{alone}{estimated}",
    "worst_differences/all": "Outputs differ from the expected values by at most {worst}{others}.",
    "comparisons/none": "All {comparisons} comparisons in the {trials} trials passed, and every successful trial was "
    "checked",
    "comparisons/judged": "None of the {comparisons} comparisons in the {trials} trials is missing or found a wrong "
    "output, and every successful trial was checked",
    "comparisons/faults": "Not all of the {comparisons} comparisons in {trials} trials passed: {faults}{excluded}",
    "faults_excluded": ". Trials with a wrong or missing output are excluded from all statistics of times, ratios and "
    "effects",
    "oracle/double": "double precision",
    "oracle/single": "unoptimized single precision, as no double precision is available",
    "oracle/both": "double precision ({workloads}, which has none: in unoptimized single precision)",
    "draws": ", for {draws} sets of inputs",
    "draws/one": ", for {draws} set of inputs",
    "worst_differences": "In successful trials, outputs differ from the expected values by at most {worst}{others}.",
    "worst_with_others": "; including the failed trials, by at most {worst}",
    "tolerance": "As a reference for root-mean-square (RMS) errors, we take {unit}. In successful trials, errors reach "
    "at most {ratio} times this reference{limit}.{alone}{estimated}",
    "rms_unit/eager": "the RMS error of eager single-precision execution on the same inputs",
    "rms_unit/roundings": "the largest RMS error of eager execution under randomly perturbed rounding",
    "rms_unit/floor": "{eager} plus {floor} times the RMS of the expected values",
    "rms_unit/floors": "{eager} plus a share of the RMS of the expected values, which differs between trials",
    "rms_not_eager": " Relative to eager execution alone, errors may be larger, by a factor that the records do not "
    "give.",
    "own_tolerance": "Levels of {knobs} come with a tolerance of their own: in {trials} trials, up to {factor} times "
    "the reference is allowed, and at most {ratio} times is reached.",
    "unjudged": "In {ill} comparisons, single precision does not determine the output, so these were not judged; in "
    "{eager} of the others, eager execution itself differs from the expected values.",
    "unjudged/ill": "In {ill} comparisons, single precision does not determine the output, so these were not judged.",
    "unjudged/eager": "In {eager} comparisons, eager execution itself differs from the expected values.",
    "rms_estimated": " For {workloads}, eager execution provides the expected values, so its error is an estimate.",
    **{phrase: english for phrase, (english, _) in AXES.items()},
    **{phrase: english for phrase, (english, _) in BENEFIT.items()},
    **{phrase: english for phrase, (english, _) in SCREENS.items()},
    **{phrase: english for phrase, (english, _) in CLAIMS.items()},
    **{phrase: english for phrase, (english, _) in OMISSIONS.items()},
    **{phrase: english for phrase, (english, _) in PRECISION.items()},
    **{phrase: english for phrase, (english, _) in SETUP.items()},
    **{phrase: english for phrase, (english, _) in TRIALS.items()},
    **{phrase: english for phrase, (english, _) in TOKENS.items()},
    **{f"metric/{one.name}": one.english for one in METRICS.values()},
}

ENGLISH = Language(
    code="en",
    phrases=PHRASES,
    comma=", ",
    last=" and ",
    parallel=", ",
    parallel_last=" and ",
    semicolon="; ",
    space=" ",
    latex_note="",
)
