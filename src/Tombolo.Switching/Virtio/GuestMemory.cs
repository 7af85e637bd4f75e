// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>What a guest lets us see of its memory: a table of regions, and the only place where a guest's address becomes one of ours.</summary>
/// <remarks>Immutable, hence thread-safe: a change makes another table. It does not own the regions.</remarks>
public sealed class GuestMemory
{
    /// <summary>The most regions one guest may have; what GET_MAX_MEM_SLOTS answers. QEMU 7.2 itself offers 32 to 512.</summary>
    public const int MaxRegions = 64;

    private readonly GuestRegion[] _regions;

    private GuestMemory(GuestRegion[] regions) => _regions = regions;

    /// <summary>No memory at all.</summary>
    public static GuestMemory Empty { get; } = new([]);

    /// <summary>The regions, in the order in which they came.</summary>
    public IReadOnlyList<GuestRegion> Regions => _regions;

    /// <summary>A table with one region more.</summary>
    /// <param name="region">The region; it stays its owner's.</param>
    /// <param name="table">The new table, or this one.</param>
    /// <returns>What is wrong, in a sentence; null where nothing is.</returns>
    public string? Add(GuestRegion region, out GuestMemory table)
    {
        table = this;
        if (_regions.Length >= MaxRegions) return $"There are {_regions.Length} regions already, the most there may be.";
        foreach (GuestRegion other in _regions)
            if (Overlap(region.Address.Value, region.SizeBytes, other.Address.Value, other.SizeBytes) || Overlap(region.User.Value, region.SizeBytes, other.User.Value, other.SizeBytes))
                return $"The region of {region.SizeBytes} bytes at {region.Address} overlaps the one of {other.SizeBytes} bytes at {other.Address}.";
        table = new([.. _regions, region]);
        return null;
    }

    /// <summary>A table without one region.</summary>
    /// <param name="region">The region.</param>
    public GuestMemory Without(GuestRegion region) => new([.. _regions.Where(other => other != region)]);

    /// <summary>Finds a region by all that names it.</summary>
    /// <returns>The region, or null.</returns>
    public GuestRegion? Find(GuestAddress address, ulong sizeBytes, UserAddress user) =>
        Array.Find(_regions, region => region.Address == address && region.SizeBytes == sizeBytes && region.User == user);

    /// <summary>Translates a guest's address.</summary>
    /// <param name="address">What the driver wrote.</param>
    /// <param name="lengthBytes">How many bytes, more than 0.</param>
    /// <param name="hint">Where the last lookup found its region; belongs to the caller, starts at 0.</param>
    /// <param name="buffer">As many of the bytes as lie in one region: the rest must be asked for again.</param>
    /// <returns>False where the first byte lies in no region.</returns>
    public bool TryTranslate(GuestAddress address, uint lengthBytes, ref int hint, out GuestBuffer buffer)
    {
        GuestRegion[] regions = _regions;
        for (int i = 0, at = hint; i < regions.Length; i++, at++)
        {
            if ((uint)at >= (uint)regions.Length) at = 0;
            ulong offset = address.Value - regions[at].Address.Value;   // below the region: wraps around to something huge
            if (offset >= regions[at].SizeBytes) continue;
            hint = at;
            buffer = regions[at].At(offset, lengthBytes);
            return true;
        }
        buffer = default;
        return false;
    }

    /// <summary>Translates a front end's address; all bytes must lie in one region.</summary>
    /// <param name="address">What the front end wrote.</param>
    /// <param name="lengthBytes">How many bytes, more than 0.</param>
    /// <param name="buffer">The bytes.</param>
    /// <returns>False where they do not all lie in one region.</returns>
    public bool TryTranslate(UserAddress address, int lengthBytes, out GuestBuffer buffer)
    {
        foreach (GuestRegion region in _regions)
        {
            ulong offset = address.Value - region.User.Value;
            if (offset >= region.SizeBytes || region.SizeBytes - offset < (uint)lengthBytes) continue;
            buffer = region.At(offset, (uint)lengthBytes);
            return true;
        }
        buffer = default;
        return false;
    }

    private static bool Overlap(ulong oneStart, ulong oneSize, ulong otherStart, ulong otherSize) => oneStart < otherStart + otherSize && otherStart < oneStart + oneSize;
}
