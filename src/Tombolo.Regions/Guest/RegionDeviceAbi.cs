// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Regions;

/// <summary>The calls of the guest's region device that C# programs need. Source: guest/linux/uapi/tombolo_region.h, whose comments say what each does.</summary>
internal static class RegionDeviceAbi
{
    public const uint MaybeSendInterrupt = 0xF502, Describe = 0x803CF504, SendInterrupt = 0xF506, CondWait = 0xC020F507, CondWake = 0xF508;
    public const int CondWaitBytes = 32;
    private const uint IfEqual = 1, IfEqualUntil = 2;

    /// <summary>Writes for what to wait: offset | value | seconds (64) | nanoseconds | kind | wakes | 0.</summary>
    /// <param name="destination">Receives <see cref="CondWaitBytes"/>.</param>
    /// <param name="offset">The word.</param>
    /// <param name="value">Wait while it holds this.</param>
    /// <param name="until">When to give up, as time since boot without suspends (CLOCK_MONOTONIC); null: never.</param>
    public static void WriteCondWait(Span<byte> destination, uint offset, uint value, TimeSpan? until)
    {
        destination.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, offset);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], (ulong)((until?.Ticks ?? 0) / TimeSpan.TicksPerSecond));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], (uint)((until?.Ticks ?? 0) % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[20..], until is null ? IfEqual : IfEqualUntil);
    }
}
