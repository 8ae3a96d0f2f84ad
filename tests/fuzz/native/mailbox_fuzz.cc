// Shared memory that somebody else made: attaching refuses it or reads within it, whatever its header says.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "fuzz_input.h"
#include "mailbox.h"

using namespace watchkeeper;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  const std::size_t payload = static_cast<std::size_t>(in.between(0, 600));
  const bool made = in.flag(), sealed = in.flag(), writes = in.flag();
  LayoutHash hash{};
  hash[0] = 7;
  const int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return 0;
  try {
    if (made) {
      mailbox_create(fd, payload, hash);  // a real one, written over
      const std::size_t whole = kMailboxPayloadOffset + 8 * ((payload + 7) / 8);
      const std::size_t at = in.flag() ? kMailboxSequenceOffset : 0;  // the header, too, or what follows it
      const std::size_t n = in.left() < whole - at ? in.left() : whole - at;
      if (pwrite(fd, in.rest(), n, static_cast<off_t>(at)) < 0) throw std::runtime_error("pwrite");
    } else {
      if (write(fd, in.rest(), in.left()) < 0) throw std::runtime_error("write");
      if (sealed) fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    }
    Mailbox mailbox(fd, payload, hash, writes);
    std::vector<unsigned char> copy(mailbox.payload_size());
    const bool read = mailbox.read(copy.data(), 3);
    if (read && (mailbox.sequence() & 1)) std::abort();
    if (writes) {
      std::vector<unsigned char> back(copy.size());
      mailbox.write(copy.data());
      if (!mailbox.read(back.data(), 3) || back != copy) std::abort();
    }
  } catch (const std::runtime_error&) {
    // refused, in words
  }
  close(fd);
  return 0;
}
