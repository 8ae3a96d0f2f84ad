// Python binding of mailbox.h: watchkeeper._mailbox. No numpy: the supervisor imports this.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "mailbox.h"

namespace nb = nanobind;
using watchkeeper::LayoutHash;
using watchkeeper::Mailbox;

namespace {

LayoutHash to_hash(const nb::bytes& bytes) {
  LayoutHash hash{};
  if (bytes.size() != hash.size()) throw nb::value_error("layout_hash: expected 32 bytes");
  const auto* first = static_cast<const unsigned char*>(bytes.data());
  std::copy(first, first + hash.size(), hash.begin());
  return hash;
}

void publish(Mailbox& self, const nb::bytes& payload) {
  if (payload.size() != self.payload_size()) {
    const std::string text = "payload: expected " + std::to_string(self.payload_size()) + " bytes, got " +
                             std::to_string(payload.size());
    throw nb::value_error(text.c_str());
  }
  self.write(static_cast<const unsigned char*>(payload.data()));
}

nb::object take(const Mailbox& self, unsigned tries) {
  // Straight into the bytes object that is handed out: nobody else has seen it yet.
  nb::bytes copy = nb::steal<nb::bytes>(
      PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(self.payload_size())));
  if (!copy.is_valid()) nb::raise_python_error();
  auto* bytes = reinterpret_cast<unsigned char*>(PyBytes_AsString(copy.ptr()));
  if (!self.read(bytes, tries)) return nb::none();
  return std::move(copy);
}

}  // namespace

NB_MODULE(_mailbox, m) {
  m.attr("SEQUENCE_OFFSET") = watchkeeper::kMailboxSequenceOffset;
  m.attr("PAYLOAD_OFFSET") = watchkeeper::kMailboxPayloadOffset;
  m.def(
      "create",
      [](int fd, std::size_t payload_size, const nb::bytes& layout_hash) {
        watchkeeper::mailbox_create(fd, payload_size, to_hash(layout_hash));
      },
      nb::arg("fd"), nb::arg("payload_size"), nb::arg("layout_hash"));
  nb::class_<Mailbox>(m, "Mailbox")
      .def(
          "__init__",
          [](Mailbox* self, int fd, std::size_t payload_size, const nb::bytes& layout_hash, bool writable) {
            new (self) Mailbox(fd, payload_size, to_hash(layout_hash), writable);
          },
          nb::arg("fd"), nb::arg("payload_size"), nb::arg("layout_hash"), nb::kw_only(), nb::arg("writable"))
      .def_prop_ro("payload_size", &Mailbox::payload_size)
      .def_prop_ro("sequence", &Mailbox::sequence)
      .def("write", &publish, nb::arg("payload"))
      .def("read", &take, nb::arg("tries"));
}
