"""One capture device opened and set up: its format, rate and colour, with errors in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture.v4l2_kernel import Kernel, integer
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix, PixelFormat

_HD_FROM_LINES = 720
_YUV = (PixelFormat.NV12, PixelFormat.I420, PixelFormat.YUYV, PixelFormat.UYVY)


class Device:
    """Raises BadInputError naming the device: missing, no permission, busy, no camera, no format of ours."""

    def __init__(
        self, kernel: Kernel, path: str, size: tuple[int, int] | None, fps: float | None, wanted: int | None
    ) -> None:
        self._kernel, self.path = kernel, path
        with self.told("opening"):
            self.fd = kernel.open(path)
        try:
            self._check_is_camera()
            with self.told("format"):
                self._set_format(size, wanted)
            self.fps = self._set_rate(fps)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Turns the kernel's refusal into the one line."""
        try:
            yield
        except OSError as error:
            wanted = {
                errno.ENOENT: "a camera's device such as /dev/video0",
                errno.EACCES: "this user in the group `video`",
                errno.EBUSY: "no other program that uses this camera",
                errno.ENOTTY: "a video device",
            }.get(error.errno or 0, "a camera whose driver can do this")
            raise BadInputError.at(self.path, f"{what}: {error.strerror}; expected {wanted}") from error

    def stream(self, *, on: bool) -> None:
        """Start or stop. Raises OSError."""
        self._kernel.ioctl(self.fd, abi.STREAMON if on else abi.STREAMOFF, integer(abi.CAPTURE))

    def close(self) -> None:
        """Close the device; may be called again."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            self._kernel.close(fd)

    def _check_is_camera(self) -> None:
        found = abi.Capability()
        with self.told("a video device"):
            self._kernel.ioctl(self.fd, abi.QUERYCAP, found)
        can = int(found.device_caps if found.capabilities & abi.CAP_DEVICE_CAPS else found.capabilities)
        if not (can & abi.CAP_VIDEO_CAPTURE and can & abi.CAP_STREAMING):
            raise BadInputError.at(self.path, "expected a device that captures and streams (another /dev/videoN is it)")
        self.name = f"{Path(self.path).name} {found.card.decode(errors='replace')}"

    def _offered(self) -> list[int]:
        codes = []
        for index in range(256):
            entry = abi.FormatDescription(index=index, type=abi.CAPTURE)
            try:
                self._kernel.ioctl(self.fd, abi.ENUM_FMT, entry)
            except OSError as error:
                if error.errno == errno.EINVAL:  # the list's end
                    break
                raise
            codes.append(int(entry.pixelformat))
        return codes

    def _set_format(self, size: tuple[int, int] | None, wanted: int | None) -> None:
        offered = self._offered()
        usable = [code for code in abi.FORMATS if code in offered and wanted in (None, code)]
        if not usable:
            names = (
                ", ".join(code.to_bytes(4, "little").decode(errors="replace").rstrip() for code in offered) or "none"
            )
            ours = ", ".join(code.to_bytes(4, "little").decode().rstrip() for code in abi.FORMATS)
            raise BadInputError.at(self.path, f"offers {names}; expected one of {ours}", field="format")
        asked = abi.Format(type=abi.CAPTURE)
        self._kernel.ioctl(self.fd, abi.G_FMT, asked)
        pix = asked.fmt.pix
        if size is not None:
            pix.width, pix.height = size
        pix.pixelformat, pix.field, pix.bytesperline, pix.sizeimage = usable[0], abi.FIELD_NONE, 0, 0
        self._kernel.ioctl(self.fd, abi.S_FMT, asked)
        got = (int(pix.width), int(pix.height))
        if int(pix.pixelformat) != usable[0] or (size is not None and got != size):
            raise BadInputError.at(self.path, f"gives {got[0]}x{got[1]}; expected a size it can give", field="size")
        self.width, self.height = got
        self.format = abi.FORMATS[usable[0]]
        self.stride, self.image_bytes = int(pix.bytesperline), int(pix.sizeimage)
        self.color = _color(pix)

    def _set_rate(self, fps: float | None) -> float | None:
        rate = abi.StreamParameters(type=abi.CAPTURE)
        if fps is not None:
            rate.timeperframe.numerator, rate.timeperframe.denominator = 1000, round(fps * 1000)
        try:
            self._kernel.ioctl(self.fd, abi.G_PARM if fps is None else abi.S_PARM, rate)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):  # sensors behind an ISP have no such setting here
                return None
            raise
        period = rate.timeperframe
        return period.denominator / period.numerator if period.numerator else None


def planes_of(
    view: memoryview, pixel_format: PixelFormat, width: int, height: int, stride: int
) -> tuple[tuple[memoryview, ...], tuple[int, ...]]:
    """A contiguous picture's planes and strides, as V4L2's single-planar formats lay them out; views, no copy."""
    luma = stride * height
    if pixel_format is PixelFormat.NV12:
        return (view[:luma], view[luma : luma + luma // 2]), (stride, stride)
    if pixel_format is PixelFormat.I420:
        half = luma // 4
        return (view[:luma], view[luma : luma + half], view[luma + half : luma + 2 * half]), (
            stride, stride // 2, stride // 2,
        )  # fmt: skip
    return (view[:luma],), (stride,)


def _color(pix: abi.PixFormat) -> ColorMatrix:
    """As the driver states it; unstated, V4L2's own defaults: matrix by colour space, limited range for YUV."""
    unstated_hd = pix.colorspace == 0 and min(pix.width, pix.height) >= _HD_FROM_LINES
    hd = pix.colorspace == abi.COLORSPACE_REC709 or unstated_hd
    bt709 = pix.ycbcr_enc == abi.YCBCR_709 or (pix.ycbcr_enc != abi.YCBCR_601 and hd)
    yuv = abi.FORMATS[int(pix.pixelformat)] in _YUV
    full = pix.quantization == abi.QUANTIZATION_FULL or (not yuv and pix.quantization != abi.QUANTIZATION_LIMITED)
    if bt709:
        return ColorMatrix.BT709_FULL if full else ColorMatrix.BT709_LIMITED
    return ColorMatrix.BT601_FULL if full else ColorMatrix.BT601_LIMITED
