// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>The word in front of every message in a ring.</summary>
/// <remarks><code>bits 31–0: length in bytes | 39–32: kind | 63–40: zero</code> Payload follows, and zero to seven bytes that bring the frame to a multiple of 8. Source: docs/specs/channels.md, "Frames".</remarks>
internal static class Frame
{
    public const int HeaderBytes = 8, Alignment = 8;
    public const ulong Message = 1UL << 32, Pad = 2UL << 32;
    private const ulong KindMask = ~0UL << 32;

    /// <summary>Bytes of a frame with a payload of this length.</summary>
    public static uint Bytes(int length) => (uint)(HeaderBytes + length + Alignment - 1) & ~(uint)(Alignment - 1);

    public static ulong KindOf(ulong header) => header & KindMask;

    public static uint LengthOf(ulong header) => (uint)header;
}
