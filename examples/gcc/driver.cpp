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

std::string knob(const char* name, const char* flag, const char* what) {
  return std::string(R"({"name": ")") + name + R"(", "summary": ")" + what + R"(", "default": "off", "levels": [)" +
         R"({"name": "off", "summary": "-fno-)" + flag + R"(."}, {"name": "on", "summary": "-f)" + flag + R"(."}]})";
}

std::string describe() {
  std::string levels;
  for (const char* level : {"O0", "O1", "O2", "O3"})
    levels += std::string(levels.empty() ? "" : ", ") + R"({"name": ")" + level + R"(", "summary": "-)" + level + R"(."})";
  return R"({"protocol": 1, "summary": "gcc on one kernel.", "tensors": "raw", "formats": [], "versions": {"gcc": ")" __VERSION__
         R"("}, "files": ["driver.cpp", "kernel.cpp"], "knobs": [{"name": "level", "summary": "Optimisation level.", )"
         R"("default": "O0", "levels": [)" + levels + "]}, " +
         knob("vectorize", "tree-vectorize", "Whether loops and blocks are vectorised.") + ", " +
         knob("unroll", "unroll-loops", "Whether loops of a known number of turns are unrolled.") + ", " +
         knob("fast_math", "fast-math", "Whether arithmetic may be reordered as if it did not round.") + "]}";
}

std::string compile(const std::string& request, const std::string& source) {
  const std::string place = value_of(request, "directory"), library = place + "/kernel.so";
  std::string command = "g++ -shared -fPIC -march=native -" + value_of(request, "level");
  for (auto [name, flag] : {std::pair("vectorize", "tree-vectorize"), {"unroll", "unroll-loops"}, {"fast_math", "fast-math"}})
    command += std::string(value_of(request, name) == "on" ? " -f" : " -fno-") + flag;
  const std::string dump = value_of(request, "dump"), assembly = command + " -S -o '" + dump + "/kernel.s' '" + source + "' >&2";
  command += " -o '" + library + "' '" + source + "' >&2";
  const int status = std::system(command.c_str());
  if (status != 0) return R"({"error": "g++ ended with status )" + std::to_string(status) + "; see its output\"}";
  if (!dump.empty() && std::system(assembly.c_str()) != 0) return R"({"error": "g++ -S failed; see its output"})";
  return R"({"artifact": "kernel.so", "generated_calls": 1, "generated_kernels": 1, "planned_bytes": 0})";
}

int main(int, char** arguments) {
  const std::string here = arguments[1];
  std::map<std::string, Set> sets;
  Kernel kernel = nullptr;
  for (std::string request; std::getline(std::cin, request);) {
    const std::string what = value_of(request, "do");
    std::string answer = R"({"error": "there is no request of this name"})";
    Set& set = sets[value_of(request, "set")];
    if (what == "describe") {
      answer = describe();
    } else if (what == "compile") {
      answer = compile(request, here + "/kernel.cpp");
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
