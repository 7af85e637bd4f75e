// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>All that a ring is made of. Each value is the front end's, and is checked when the ring is made.</summary>
public readonly record struct RingSetup
{
    /// <summary>The most descriptors a ring may have. Source: virtio 1.1, 2.6: "maximum Queue Size value is 32768".</summary>
    public const int MaxSize = 32768;

    /// <summary>Descriptors in the ring. A power of two for a split ring.</summary>
    public required int Size { get; init; }

    /// <summary>The descriptor table, or the packed ring itself; 16-byte aligned.</summary>
    public required UserAddress Descriptors { get; init; }

    /// <summary>The available ring (2-byte aligned), or the driver's event suppression (4-byte aligned).</summary>
    public required UserAddress Driver { get; init; }

    /// <summary>The used ring, or the device's event suppression; 4-byte aligned.</summary>
    public required UserAddress Device { get; init; }

    /// <summary>What was agreed on.</summary>
    public required VirtioFeatures Features { get; init; }

    /// <summary>Where to go on, as SET_VRING_BASE says it: for a split ring the next available index; for a packed ring bits 0..14 position and 15 wrap counter, of available, and 16..31 the same of used.</summary>
    public uint Base { get; init; }

    /// <summary>What is wrong with it, before any memory is looked at; null where nothing is.</summary>
    public string? Problem()
    {
        bool isPacked = (Features & VirtioFeatures.RingPacked) != 0;
        if (Size is < 1 or > MaxSize) return $"A ring has 1 to {MaxSize} descriptors, not {Size}.";
        if (!isPacked && !int.IsPow2(Size)) return $"A split ring's size is a power of two, not {Size}.";
        if ((Descriptors.Value & 15) != 0) return $"The descriptors at {Descriptors} are not aligned to 16 bytes.";
        if ((Driver.Value & (isPacked ? 3u : 1u)) != 0) return $"The driver's area at {Driver} is not aligned to {(isPacked ? 4 : 2)} bytes.";
        if ((Device.Value & 3) != 0) return $"The device's area at {Device} is not aligned to 4 bytes.";
        if (isPacked && ((Base & 0x7fff) >= Size || ((Base >> 16) & 0x7fff) >= Size)) return $"The base {Base:x8} lies outside a packed ring of {Size} descriptors.";
        return !isPacked && Base > ushort.MaxValue ? $"The base {Base} is no index of a split ring (0 to 65535)." : null;
    }

    internal bool Has(VirtioFeatures feature) => (Features & feature) != 0;
}
