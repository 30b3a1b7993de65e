// gcc's flags as knobs: compiles kernel.cpp with them, loads what comes out and runs it. It answers requests on a pipe,
// a line of JSON each (docs/command-protocol.md); requests have one form, so that searching for a key reads them.
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

using Kernel = void (*)(const float*, const float*, float*, std::size_t, std::size_t, std::size_t, float*);
struct Tensor {
  std::vector<float> data;
  std::vector<std::size_t> shape;
};
struct Set {
  Tensor left, right, out;
  std::vector<float> transposed;
};

// Return what stands behind "key": a string without its quotes, or the text up to the next comma or brace. The search
// begins at `from`, which is moved behind it.
std::string value_of(const std::string& text, const std::string& key, std::size_t& from) {
  const std::string quoted = "\"" + key + "\": ";
  const std::size_t at = text.find(quoted, from);
  if (at == std::string::npos) return "";
  std::size_t begin = at + quoted.size(), end;
  if (text[begin] == '"') {
    end = text.find('"', ++begin);
  } else if (text[begin] == '[') {
    end = text.find(']', ++begin);
  } else {
    end = text.find_first_of(",}", begin);
  }
  from = end;
  return text.substr(begin, end - begin);
}

std::string value_of(const std::string& text, const std::string& key) {
  std::size_t from = 0;
  return value_of(text, key, from);
}

Tensor read_tensor(const std::string& request, std::size_t& from) {
  std::ifstream file(value_of(request, "file", from), std::ios::binary);
  const std::string sizes = value_of(request, "shape", from);
  Tensor tensor;
  std::size_t count = 1;
  for (std::size_t at = 0; at < sizes.size(); at = sizes.find(',', at) == std::string::npos ? sizes.size() : sizes.find(',', at) + 1) {
    tensor.shape.push_back(std::strtoul(sizes.c_str() + at, nullptr, 10));
    count *= tensor.shape.back();
  }
  tensor.data.resize(count);
  file.read(reinterpret_cast<char*>(tensor.data.data()), static_cast<std::streamsize>(count * sizeof(float)));
  return tensor;
}

struct Flag {
  const char *name, *flag, *what, *level;
};

// The flags of `study.yaml`; those of `flags.yaml` come after them. At `off` a flag is passed as -fno-..., at `on` as -f...
const std::vector<Flag> few = {
    {"vectorize", "tree-vectorize", "Whether loops and blocks are vectorised.", "off"},
    {"unroll", "unroll-loops", "Whether loops of a known number of turns are unrolled.", "off"},
    {"fast_math", "fast-math", "Whether arithmetic may be reordered as if it did not round.", "off"},
};
const std::vector<Flag> further = {
    {"aliasing", "strict-aliasing", "Whether pointers of different types are taken not to alias.", "on"},
    {"align", "align-loops", "Whether loops begin at aligned addresses.", "on"},
    {"commoning", "predictive-commoning", "Whether values of the last turn of a loop are kept.", "off"},
    {"distribute", "tree-loop-distribution", "Whether loops are split into several.", "off"},
    {"frame", "omit-frame-pointer", "Whether the frame pointer is left out.", "on"},
    {"if_convert", "if-conversion", "Whether jumps become conditional moves.", "on"},
    {"interchange", "loop-interchange", "Whether nested loops change places.", "off"},
    {"invariants", "move-loop-invariants", "Whether what does not change leaves a loop.", "on"},
    {"ivopts", "ivopts", "Whether induction variables are chosen anew.", "on"},
    {"jam", "loop-unroll-and-jam", "Whether outer loops are unrolled and the inner ones joined.", "off"},
    {"modulo", "modulo-sched", "Whether innermost loops are scheduled across turns.", "off"},
    {"peel", "peel-loops", "Whether first turns are taken out of loops.", "off"},
    {"pre", "tree-pre", "Whether partial redundancies are removed.", "on"},
    {"prefetch", "prefetch-loop-arrays", "Whether arrays are prefetched in loops.", "off"},
    {"rename", "rename-registers", "Whether registers are renamed late.", "off"},
    {"schedule", "schedule-insns2", "Whether instructions are scheduled after registers were chosen.", "on"},
    {"split", "split-loops", "Whether loops are split at conditions on their counter.", "off"},
    {"strides", "version-loops-for-strides", "Whether loops have a version for a stride of one.", "off"},
    {"unswitch", "unswitch-loops", "Whether conditions that do not change leave a loop.", "off"},
};

std::string knob(const Flag& one) {
  return std::string(R"({"name": ")") + one.name + R"(", "summary": ")" + one.what + R"(", "default": ")" + one.level +
         R"(", "levels": [)" + R"({"name": "off", "summary": "-fno-)" + one.flag + R"(."}, {"name": "on", "summary": "-f)" +
         one.flag + R"(."}]})";
}

std::string describe(const std::vector<Flag>& flags, const char* level) {
  std::string levels, knobs;
  for (const char* one : {"O0", "O1", "O2", "O3"})
    levels += std::string(levels.empty() ? "" : ", ") + R"({"name": ")" + one + R"(", "summary": "-)" + one + R"(."})";
  for (const Flag& one : flags) knobs += ", " + knob(one);
  return R"({"protocol": 1, "summary": "gcc on one kernel.", "tensors": "raw", "formats": [], "versions": {"gcc": ")" __VERSION__
         R"("}, "files": ["driver.cpp", "kernel.cpp"], "knobs": [{"name": "level", "summary": "Optimisation level.", )"
         R"("default": ")" + std::string(level) + R"(", "levels": [)" + levels + "]}" + knobs + "]}";
}

std::string compile(const std::string& request, const std::string& source, const std::vector<Flag>& flags) {
  const std::string place = value_of(request, "directory"), library = place + "/kernel.so";
  std::string command = "g++ -shared -fPIC -march=native -" + value_of(request, "level");
  for (const Flag& one : flags) command += std::string(value_of(request, one.name) == "on" ? " -f" : " -fno-") + one.flag;
  const std::string dump = value_of(request, "dump"), assembly = command + " -S -o '" + dump + "/kernel.s' '" + source + "' >&2";
  command += " -o '" + library + "' '" + source + "' >&2";
  const int status = std::system(command.c_str());
  if (status != 0) return R"({"error": "g++ ended with status )" + std::to_string(status) + "; see its output\"}";
  if (!dump.empty() && std::system(assembly.c_str()) != 0) return R"({"error": "g++ -S failed; see its output"})";
  return R"({"artifact": "kernel.so", "generated_calls": 1, "generated_kernels": 1, "planned_bytes": 0})";
}

int main(int count, char** arguments) {
  const std::string here = arguments[1];
  const bool many = count > 2;
  std::vector<Flag> flags = few;
  if (many) flags.insert(flags.end(), further.begin(), further.end());
  std::map<std::string, Set> sets;
  Kernel kernel = nullptr;
  for (std::string request; std::getline(std::cin, request);) {
    const std::string what = value_of(request, "do");
    std::string answer = R"({"error": "there is no request of this name"})";
    Set& set = sets[value_of(request, "set")];
    if (what == "describe") {
      answer = describe(flags, many ? "O2" : "O0");
    } else if (what == "compile") {
      answer = compile(request, here + "/kernel.cpp", flags);
    } else if (what == "load") {
      void* library = dlopen(value_of(request, "artifact").c_str(), RTLD_NOW);
      kernel = library ? reinterpret_cast<Kernel>(dlsym(library, "kernel")) : nullptr;
      answer = kernel ? R"({"threads": {"kernel": 1}})" : R"({"error": "the library cannot be loaded"})";
    } else if (what == "bind") {
      std::size_t from = 0;
      set.left = read_tensor(request, from);
      set.right = read_tensor(request, from);
      set.transposed.resize(set.right.data.size());
      set.out.shape = {set.left.shape[0], set.right.shape[1]};
      set.out.data.resize(set.out.shape[0] * set.out.shape[1]);
      answer = "{}";
    } else if (what == "run") {
      answer = R"({"ms": [)";
      for (long left = std::stol(value_of(request, "count")); left > 0; --left) {
        const auto start = std::chrono::steady_clock::now();
        kernel(set.left.data.data(), set.right.data.data(), set.out.data.data(), set.left.shape[0], set.left.shape[1],
               set.right.shape[1], set.transposed.data());
        const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
        answer += std::to_string(spent.count()) + (left > 1 ? ", " : "");
      }
      answer += "]}";
    } else if (what == "check") {
      std::ofstream file(value_of(request, "directory") + "/out.bin", std::ios::binary);
      file.write(reinterpret_cast<char*>(set.out.data.data()), static_cast<std::streamsize>(set.out.data.size() * sizeof(float)));
      answer = R"({"outputs": [{"file": "out.bin", "dtype": "float32", "shape": [)" + std::to_string(set.out.shape[0]) + ", " +
               std::to_string(set.out.shape[1]) + "]}]}";
    }
    std::cout << answer << std::endl;
  }
}
