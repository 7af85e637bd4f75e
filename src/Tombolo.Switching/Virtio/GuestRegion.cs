// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>One contiguous piece of a guest's memory, mapped here.</summary>
/// <remarks>It owns its mapping. Dispose it only after every ring that may use it has been stopped.</remarks>
public sealed class GuestRegion : IDisposable
{
    private readonly MemoryMapping _mapping;
    private readonly GuardedRange? _guard;
    private readonly nint _start;

    private GuestRegion(GuestAddress address, ulong size, UserAddress user, MemoryMapping mapping, GuardedRange? guard, long offset, bool isFixed)
    {
        (Address, SizeBytes, User, _mapping, _guard, IsSizeSealed) = (address, size, user, mapping, guard, isFixed);
        _start = mapping.Address + (nint)offset;
    }

    /// <summary>Its first byte's address in the guest.</summary>
    public GuestAddress Address { get; }

    /// <summary>Its size in bytes; at least 1, and no sum of an address and it overflows.</summary>
    public ulong SizeBytes { get; }

    /// <summary>Its first byte's address in the front end.</summary>
    public UserAddress User { get; }

    /// <summary>Whether the memory cannot be made smaller any more. Where false, its owner can pull it away; then it <see cref="IsLost"/>.</summary>
    public bool IsSizeSealed { get; }

    /// <summary>Whether some of the memory was not there any more when it was touched, whoever took it. What is read there since is empty; its owner shall not be served any longer.</summary>
    public bool IsLost => _guard is { IsLost: true };

    /// <summary>Maps a region.</summary>
    /// <param name="fd">The memory; borrowed, and not needed afterwards. It is sealed against shrinking where that is still possible.</param>
    /// <param name="address">Its first byte's address in the guest.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="user">Its first byte's address in the front end.</param>
    /// <param name="offsetBytes">Where it starts in the object.</param>
    /// <returns>The region, or what is wrong with it, in a sentence.</returns>
    /// <exception cref="LinuxException">The kernel refused the mapping.</exception>
    public static (GuestRegion? Region, string? Problem) Map(SafeFd fd, GuestAddress address, ulong sizeBytes, UserAddress user, ulong offsetBytes)
    {
        if (sizeBytes == 0) return (null, $"The region at {address} has no bytes.");
        if (sizeBytes > long.MaxValue || offsetBytes > long.MaxValue - sizeBytes) return (null, $"The region at {address} has {sizeBytes} bytes at offset {offsetBytes}, more than a file can hold.");
        if (address.Value > ulong.MaxValue - sizeBytes || user.Value > ulong.MaxValue - sizeBytes)
            return (null, $"The region of {sizeBytes} bytes at {address} (front end: {user}) runs over the end of the address space.");
        bool isFixed = TrySeal(fd);
        long length = (long)(sizeBytes + offsetBytes), holds = SharedFile.SizeOf(fd);
        if (length > holds) return (null, $"The region at {address} ends at byte {length} of an object of {holds} bytes.");
        MemoryMapping mapping = MemoryMapping.Map(fd, length);
        GuardedRange? guard = BusErrorGuard.TryGuard(mapping, SharedFile.PageBytesOf(fd));
        if (guard is not null || isFixed) return (new(address, sizeBytes, user, mapping, guard, (long)offsetBytes, isFixed), null);
        mapping.Dispose();
        return (null, $"The region at {address} could be pulled away from under us, since it is not sealed against shrinking, and {(BusErrorGuard.IsSupported ? "there are too many regions to guard it" : "there is no guard against that on this processor")}: use a sealable memfd.");
    }

    /// <summary>Unmaps it.</summary>
    public void Dispose()
    {
        _guard?.Dispose();
        _mapping.Dispose();
    }

    /// <summary>All of it, for those who look up one address after another.</summary>
    internal MemoryWindow Window => new(Address.Value, SizeBytes, _start);

    // The offset is below SizeBytes, and the result is clamped to the region.
    internal GuestBuffer At(ulong offset, ulong lengthBytes) => new(_start + (nint)offset, (int)Math.Min(Math.Min(lengthBytes, SizeBytes - offset), int.MaxValue));

    private static bool TrySeal(SafeFd fd)
    {
        try
        {
            if ((Memfd.SealsOf(fd) & Seals.Shrink) == 0) Memfd.Add(fd, Seals.Shrink);
            return true;
        }
        catch (LinuxException) { return false; }   // no memfd, or sealed against more seals
    }
}
