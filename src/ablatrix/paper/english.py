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
    "sizes_in/table": "; Table {number} lists their dimensions",
    # Set-up
    "setup/machine": "All experiments ran on a machine with {machines}.",
    "setup/of_machine": "{cores} ({cpu}{isa}{smt}) and {memory} of memory, running {system}{container}",
    "setup/cores": "{count} cores",
    "setup/cores/one": "{count} core",
    "setup/isa": ", {isa}",
    "setup/system": "{os} with Linux kernel {kernel}",
    "linux": "Linux {kernel}",
    "setup/container": ", virtualized ({container})",
    "setup/container/both": " in a container on a virtual machine",
    "setup/smt_on": ", simultaneous multithreading enabled",
    "setup/smt_off": ", simultaneous multithreading disabled",
    "gpu": "GPU {gpu}",
    "setup/version": "{name} {versions}",
    "setup/workloads": "The workloads are {small}{workloads}{see}.",
    "setup/workloads/one": "The workload is {small}{workloads}{see}.",
    "setup/small": "small models: ",
    "setup/small/one": "a small model, ",
    "setup/workload": "{workload} ({sizes})",
    "setup/size": "{name} = {value}",
    "setup/weights": "{weights} parameters",
    "setup/weights_of": "{weights} parameters ({workload})",
    "setup/count": "We use {count} workloads{see}.",
    "setup/many": "The {count} workloads range in size from {least} to {most}{see}.",
    "setup/many/small": "The {count} workloads are small models, from {least} to {most}{see}.",
    "setup/levels": "{count} levels from {least} to {most}",
    "setup/trials": "{modes}{threads}",
    "setup/trials/cold": "Every configuration is compiled and run once in each of {blocks} cold blocks, each time in a "
    "fresh process with an empty cache.",
    "setup/trials/cold/one": "Every configuration is compiled and run once, in a fresh process with an empty cache.",
    "setup/trials/hot": "Steady-state run times come from {blocks} hot blocks{each}, within which {sides} take "
    "turns in short bursts{rounds}, in a new random order each round.{layout}",
    "setup/trials/hot/one": "Steady-state run times come from one hot block{each}, within which {sides} take "
    "turns in short bursts{rounds}, in a new random order each round.{layout}",
    "setup/each/workload": " per workload",
    "setup/each/compiler": " per workload and compiler",
    "setup/side/measured": "all configurations",
    "setup/side/twin": "a second copy of the baseline",
    "setup/side/twins": "a second copy of each build's baseline",
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
    "trials_and_outcomes": "Of the {trials} trials{kinds}, {outcomes}. {processes}, and only successful trials "
    "enter the statistics.{replaced}",
    "trials_all_ok": "All {trials} trials{kinds} succeeded, each in its own process.{replaced}",
    "replaced": " Another {count} attempts were replaced by later ones and are not counted.",
    "replaced/one": " Another {count} attempt was replaced by a later one and is not counted.",
    "processes": "Each trial ran in its own process",
    "processes/some": "Those that ran did so in separate processes",
    "of_status": "{status}: {count}",
    "cold_scope": "The cold-start time covers compilation with an empty cache and the first run; loading the "
    "frameworks, building the workload and generating its inputs are excluded.{shares}{tagged}",
    "cold_shares": " In the median over {trials} cold trials, its shares are {shares}.",
    "cold_shares/most": " In the median over {trials} cold trials, {shares}; every other phase takes at most {rest}%.",
    "cold_tagged": " The {trials} trials that start from a cache filled by other trials (cache_tag) are not included "
    "in these shares.",
    "cold_tagged/one": " The {trials} trial that starts from a cache filled by other trials (cache_tag) is not "
    "included in these shares.",
    "share_of_part": "{part} ({share}%)",
    "hot_scope": "The run time is that of a single run after warm-up and includes neither compilation nor input "
    "generation.{levels}{samples}",
    "samples": " The median number of timed runs per hot trial is {samples}.",
    "protocol": "Configurations are compared only within a block, where their measurements alternate. Ratios are "
    "geometric means over blocks, with {confidence}% confidence intervals (CIs) from Student's "
    "t-distribution.",
    "protocol/one_block": "Configurations are compared only within a block, where their measurements alternate. As "
    "there is a single block, ratios come without confidence intervals.",
    "precision": "The CI of every single-knob effect lies within {reached} of its estimate.{wanted}",
    "judgement": "An effect counts as significant at the {alpha}% level after Holm correction over all single-knob "
    "effects on the same metric; a significant effect within ±{margin}% is marked as small. An effect "
    "that is not significant counts as absent if two one-sided tests place it within ±{margin}%, and "
    "as undecided otherwise.",
    "warm_up_classes": "A change-point analysis of the first iterations of {trials} {successful}hot trials (excluding "
    "eager execution and second copies of the baseline) classifies {classes}; all of them are kept.",
    "warm_up_classes/one": "A change-point analysis of the first iterations classifies all {trials} "
    "{successful}hot trials (excluding eager execution and second copies of the baseline) as {classes}.",
    "checked_is_timed": "Digests confirm for {same} of {trials} such trials that the executable timed is the one whose "
    "outputs were checked.{others}",
    "checked_is_timed/all": "Digests confirm for all {trials} such trials that the executable timed is the one "
    "whose outputs were checked.",
    "timed_other": " {count} further hot trials timed another executable and enter no statistic.",
    "timed_other/one": " {count} further hot trial timed another executable and enters no statistic.",
    "misses_median": " The median number of misses per cold trial is {medians}.",
    "misses_at": "{misses} with {knob} set to {level}",
    "misses_only": "{misses}",
    "misses_by_workload": "{misses} (depending on the workload)",
    "misses_expected/all": " In all {trials} {successful}cold trials, the number of misses equals the number of "
    "distinct tasks.",
    "misses_expected": " In {same} of {trials} {successful}cold trials, the number of misses equals the number of "
    "distinct tasks.",
    "control": "The A/A control runs a second copy of the baseline in every block. The {metric} of this copy "
    "{outcomes}.",
    "control/builds": "The A/A control runs a second copy of each build's baseline in every block. Averaged over the "
    "builds, the {metric} of the copies {outcomes}.",
    "control/again": "Its {metric} {outcomes}.",
    "control_fails": "differs significantly from that of the baseline for {units}, whose CIs are widened accordingly; "
    "the largest offset is possible on {worst}",
    "control_fails_on": "differs significantly from that of the baseline on {worst}, where all CIs are widened "
    "accordingly",
    "control_off": "{place} (ratio {ratio}, off by up to {reach}%)",
    "control_one_block": "is untested on {places}, where there is a single block",
    # Benefit: what the whole gains
    "full/named": "The full configuration ({moves})",
    "full/all": "The full configuration, in which every knob is set to a non-baseline level{last},",
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
    "over/mean": " in the geometric mean",
    "over/some": " in the geometric mean over {count} of the {workloads} workloads",
    "over/each": " in the geometric mean over the workloads of each compiler",
    "over/one": " on {workload}",
    "in/mean": " in the geometric mean",
    "in/some": " in the geometric mean over {count} of the {workloads} workloads",
    "in/one": " on {workload}",
    "at": "{amount} on {workload}",
    "at/brackets": "{amount} on {workload}",
    "at/alone": "{amount} on {workload}",
    "range/two": ", with {least} and {most}",
    "range/mixed": "; individual changes range from {least} to {most}",
    "range/mixed/two": ", with {least} and {most}",
    "range/only/less": "; the only significant change is a decrease {amount} on {workload}",
    "range/only/more": "; the only significant change is an increase {amount} on {workload}",
    "end/less": "a decrease {amount} on {workload}",
    "end/more": "an increase {amount} on {workload}",
    "end/unclear": "no significant change on {workload}",
    "end/untested": "{ratio} times the baseline on {workload}",
    "whole": "{full} {does}{over}{range}{see}.",
    "with/untested": "{ratio} times that of the baseline with {compiler}",
    "ends_of_compilers": "has effects on the {metric} ranging from {least} to {most} across {compilers} compilers",
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
    "shares": "A Shapley decomposition of the change in {metric}{see} attributes the largest reduction to {knob} "
    "({amount}){followed}{more}{lost}{unclear}.",
    "shares/none": "A Shapley decomposition of the change in {metric}{see} attributes no significant reduction to any "
    "knob{lost}.",
    "share": "{knob} ({amount})",
    "shares/followed": ", followed by {others}",
    "shares/more": "; {count} further knobs contribute at most {most} each",
    "shares/lost": "; in contrast, the {metric} is increased by {knobs}",
    "shares/unclear": "; no significant share is attributed to {knobs}",
    "shares/unclear_many": "; the shares of {count} knobs are not significant",
    "changes/one": "On its own, {change} {does}{over}.",
    "changes/again": "The {metric} is {changes}{others}.",
    "changes/again/size": "The {metric} is {changes}{others}.",
    "changes/rest": "; {count} changes have no significant effect",
    "changes/rest/one": "; {count} change has no significant effect",
    "change/less": "{change} saves the most {metric} ({amount}){over}",
    "change/more": "{change} costs the most {metric} ({amount}){over}",
    "change/too": "{change} increases it most ({amount}){over}",
    "with_compiler": "{change} with {compiler}",
    "knob_with": "{knob} with {compiler}",
    "interaction/overlap": "The strongest interaction is between {one} and {other}{compiler}: with both, the "
    "{metric} is {amount} higher than their individual effects predict.",
    "interaction/together": "The strongest interaction is between {one} and {other}{compiler}: with both, the "
    "{metric} is {amount} lower than their individual effects predict.",
    "for_compiler": " with {compiler}",
    "knob_of": "{knob} ({compilers})",
    "interaction/overlap/tied": "Among the strongest interactions is that between {one} and {other}{compiler}: "
    "with both, the {metric} is {amount} higher than their individual effects predict.",
    "interaction/together/tied": "Among the strongest interactions is that between {one} and {other}{compiler}: "
    "with both, the {metric} is {amount} lower than their individual effects predict.",
    "more_knobs": "{count} more",
    "nothing": "Not every knob matters{see}: {clauses}.{unclear}",
    "nothing/none": "no workload's {metric} changes by more than {margin}% with {knobs}",
    "nothing/same": "the compiled program is the same at every level of {knobs}",
    "nothing/all_act": "Every knob has a significant effect on the {metric} of at least one workload{see}.",
    "nothing/all_act_compilers": "With every compiler, each knob has a significant effect on the {metric} of at least "
    "one workload{see}.",
    "same_program/less": "with {knob}, the {metric} of {place} is {amount} lower although the same program is built, "
    "which must stem from the order of trials or from something that the records do not capture",
    "same_program/more": "with {knob}, the {metric} of {place} is {amount} higher although the same program is built, "
    "which must stem from the order of trials or from something that the records do not capture",
    "losses": "Of the single-knob effects{averaged}, {count} are significant slowdowns; in the largest, {change} "
    "increases the {metric} of {place} by {amount}.",
    "losses/one": "Of the single-knob effects{averaged}, only one is a significant slowdown: {change} increases the "
    "{metric} of {place} by {amount}.",
    "losses/none": "None of the single-knob effects{averaged} is a significant slowdown.",
    "averaged": " (averaged over the settings of the other knobs)",
    # Benefit: what it costs
    "compile": "With the full configuration, the {becomes}{range}{repaid}.",
    "compile/one": "With the same change, the {becomes}{range}{repaid}.",
    "compile/compilers": "The full configuration {changes}{repaid}.",
    "repaid": ". Where faster runs repay a longer cold start, the largest estimate of the number of runs needed "
    "is {runs} ({place}, {ci})",
    "repaid/on": ". The number of runs after which faster runs repay a longer cold start can be bounded only for "
    "{place} ({runs} runs, {ci}); elsewhere, the data do not establish both a longer cold start and "
    "faster runs",
    "repaid/one": "; faster runs repay the difference after {runs} runs ({ci})",
    "memory": "With the full configuration, the {becomes}{range}{peak}.",
    "memory/peak": "; the {becomes}",
    "memory/peak/one": "The {becomes}.",
    "best_choice/workloads": "By Hsu's multiple comparisons with the best, no other configuration is "
    "significantly faster than the full one on {count} of the {of} workloads{example}.",
    "best_choice/workloads/all": "By Hsu's multiple comparisons with the best, no other configuration is "
    "significantly faster than the full one on any workload.",
    "best_choice/workloads/none": "By Hsu's multiple comparisons with the best, some other configuration is "
    "significantly faster than the full one on every workload{example}.",
    "best_choice/compilers": "By Hsu's multiple comparisons with the best within each combination of workload "
    "and compiler, no other configuration is significantly faster than the full one in {count} of the {of} "
    "combinations{example}.",
    "best_choice/compilers/all": "By Hsu's multiple comparisons with the best within each combination of "
    "workload and compiler, no other configuration is significantly faster than the full one in any combination.",
    "best_choice/compilers/none": "By Hsu's multiple comparisons with the best within each combination of "
    "workload and compiler, some other configuration is significantly faster than the full one in every "
    "combination{example}.",
    "best_choice/tested": "By Hsu's multiple comparisons with the best, no other configuration is significantly "
    "faster than the full one in {count} of the {of} cases where all of them could be compared{example}.",
    "best_choice/tested/none": "By Hsu's multiple comparisons with the best, some other configuration is "
    "significantly faster than the full one in all {of} cases where all of them could be compared{example}.",
    "best_choice/one/all": "By Hsu's multiple comparisons with the best, no other configuration is significantly "
    "faster than the full one.",
    "best_choice/one/none": "By Hsu's multiple comparisons with the best, some other configuration is "
    "significantly faster than the full one{example}.",
    "all_but": "the full configuration without {knobs}",
    # Correctness
    "comparisons": "As the reference, we use the outputs of the same program in {oracle}{draws}. {found}.",
    "changes/rest/named": "; the effect of {knobs} is not significant",
    "comparisons/none/all": "All {comparisons} comparisons passed, and each of the {trials} trials was checked",
    "successful": "successful ",
    "tolerance/all": "Root-mean-square (RMS) errors are given relative to {unit}. On this scale, errors reach at most "
    "{ratio}{limit}.{alone}{estimated}",
    "worst_differences/all": "Outputs differ from the reference by at most {worst}{others}.",
    "comparisons/none": "All {comparisons} comparisons passed, and each of the {trials} successful trials was checked",
    "comparisons/judged": "None of the {comparisons} comparisons in the {trials} trials is missing or found a wrong "
    "output, and every successful trial was checked",
    "comparisons/faults": "Not all of the {comparisons} comparisons in {trials} trials passed: {faults}{excluded}",
    "faults_excluded": ". Trials with a wrong or missing output are excluded from all statistics of times, ratios and "
    "effects",
    "oracle/double": "double precision",
    "oracle/single": "unoptimized single precision, as no double precision is available",
    "oracle/both": "double precision ({workloads}, which has none: in unoptimized single precision)",
    "draws": ", with {draws} sets of inputs per trial",
    "draws/one": ", with {draws} set of inputs per trial",
    "worst_differences": "In successful trials, outputs differ from the reference by at most {worst}{others}.",
    "worst_with_others": "; including the failed trials, by at most {worst}",
    "tolerance": "Root-mean-square (RMS) errors are given relative to {unit}. On this scale, errors of successful "
    "trials reach at most {ratio}{limit}.{alone}{estimated}",
    "rms_unit/eager": "the RMS error of eager single-precision execution on the same inputs",
    "rms_unit/roundings": "the largest RMS error of eager execution under randomly perturbed rounding",
    "rms_unit/floor": "the sum of (i) {eager} and (ii) {floor} times the RMS of the reference output",
    "rms_unit/floors": "the sum of (i) {eager} and (ii) a share of the RMS of the reference output, which "
    "differs between trials",
    "rms_not_eager": " Relative to eager execution alone, errors may be larger, by a factor that the records do not "
    "give.",
    "own_tolerance": "Levels of {knobs} come with a tolerance of their own: in {trials} trials, up to {factor} is "
    "allowed on this scale, and at most {ratio} is reached.",
    "unjudged": "In {ill} comparisons, single precision does not determine the output, so these were not judged; "
    "in {eager} of the others, eager execution itself differs from the reference.",
    "unjudged/ill": "In {ill} comparisons, single precision does not determine the output, so these were not judged.",
    "unjudged/eager": "In {eager} comparisons, eager execution itself differs from the reference.",
    "rms_estimated": " For {workloads}, eager execution provides the reference, so its error is an estimate.",
    "range/alike/less": ", with reductions ranging from {least} to {most}",
    "range/alike/more": ", with increases ranging from {least} to {most}",
    "shares/lost/most": "; the {metric} is increased most by {knobs}",
    "share/of": "{knob} with {compiler} ({amount})",
    "metric/shown": "{metric}{see}",
    "joined": "{first}{rest}",
    "inside/figure": "; Figure {number}",
    "inside/table": "; Table {number}",
    "best_choice/tested/none/one": "By Hsu's multiple comparisons with the best, some other configuration is "
    "significantly faster than the full one in the only case where all of them could be compared{example}.",
    "ends_of_compilers/less": "reduces the {metric} by between {least} and {most} across {compilers} compilers",
    "ends_of_compilers/more": "increases the {metric} by between {least} and {most} across {compilers} compilers",
    "change/again/less": "reduced most by {change} ({amount}){over}",
    "change/again/more": "increased most by {change} ({amount}){over}",
    "levels": " We first remove delays that are shared by all trials of a round; the run time of a hot trial is then "
    "the geometric mean over the fastest third of its bursts (in blocks that were disturbed throughout, over the "
    "middle three fifths), with each burst represented by {bursts}{copies}.",
    "levels/copies": "; of a configuration with a second copy, it is the geometric mean over both",
    "levels/fastest": "its fastest run",
    "levels/median": "its median run",
    "memory/one": "With the same change, the {becomes}{range}{peak}.",
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
    series=", ",
    series_last=", and ",
    semicolon="; ",
    space=" ",
    latex_note="",
)
