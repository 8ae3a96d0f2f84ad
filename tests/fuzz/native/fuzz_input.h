// A fuzzer's bytes taken one value at a time, zeros once they are used up. And, where no fuzzer is linked in
// (WK_REPLAY), a main that runs the files it is given through the target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  template <class T>
  T take() {
    T value{};
    const std::size_t n = size_ < sizeof(T) ? size_ : sizeof(T);
    std::memcpy(&value, data_, n);
    data_ += n, size_ -= n;
    return value;
  }
  int between(int low, int high) { return low + static_cast<int>(take<std::uint16_t>() % (high - low + 1)); }
  bool flag() { return take<std::uint8_t>() & 1; }
  const std::uint8_t* rest() const { return data_; }
  std::size_t left() const { return size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

#ifdef WK_REPLAY
#include <cstdio>
#include <vector>

int main(int count, char** files) {
  for (int i = 1; i < count; ++i) {
    std::FILE* file = std::fopen(files[i], "rb");
    if (file == nullptr) return 2;
    std::vector<std::uint8_t> bytes(1 << 20);
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
    bytes.shrink_to_fit();
    std::fclose(file);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%d inputs\n", count - 1);
  return 0;
}
#endif
