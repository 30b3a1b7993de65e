// A matrix product whose sums are compensated (Kahan 1965): each addition keeps what rounding lost for the next one.
// By the rules of algebra, which -ffast-math lets the compiler use, what was lost is zero, and the compensation goes.
#include <cstddef>

extern "C" void kernel(const float* left, const float* right, float* out, std::size_t rows, std::size_t inner,
                       std::size_t columns, float* transposed) {
  for (std::size_t k = 0; k < inner; ++k)
    for (std::size_t j = 0; j < columns; ++j) transposed[j * inner + k] = right[k * columns + j];
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      const float* a = left + i * inner;
      const float* b = transposed + j * inner;
      float sum = 0.0F, lost = 0.0F;
      for (std::size_t k = 0; k < inner; ++k) {
        const float term = a[k] * b[k] - lost;
        const float next = sum + term;
        lost = (next - sum) - term;
        sum = next;
      }
      out[i * columns + j] = sum;
    }
  }
}
