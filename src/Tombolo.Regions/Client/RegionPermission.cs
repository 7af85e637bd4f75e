// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>Why a permission is not given. The numbers are those of the guest's ioctl.</summary>
public enum PermissionFault
{
    /// <summary>The region is not managed by the one that was asked. EPERM.</summary>
    NotManaged = 1,
    /// <summary>Somebody owns the area. EBUSY.</summary>
    Busy = 16,
    /// <summary>That client of the managed region has a permission already. EEXIST.</summary>
    Exists = 17,
    /// <summary>The area, the owner word or the value cannot be. EINVAL.</summary>
    Invalid = 22,
}

/// <summary>A permission is not given.</summary>
/// <param name="fault">Why.</param>
/// <param name="message">The same in a sentence.</param>
public sealed class RegionPermissionException(PermissionFault fault, string message) : TomboloException(message)
{
    /// <summary>Why.</summary>
    public PermissionFault Fault { get; } = fault;
}

/// <summary>The right to an area of a managed region, for as long as it is not disposed.</summary>
/// <remarks>Where the process is killed, the server gives the area back. (A server that is not ours does not: the owner word stays as it is, as when a vSoC host process dies.)</remarks>
public sealed class RegionPermission : IDisposable
{
    private readonly RegionClient _manager, _managed;
    private OwnerLink? _link;
    private int _isHeld;

    private RegionPermission(RegionClient manager, RegionClient managed, uint begin, uint end, uint ownerOffset, uint ownedValue) =>
        (_manager, _managed, Begin, End, OwnerOffset, OwnedValue) = (manager, managed, begin, end, ownerOffset, ownedValue);

    /// <summary>Where the area begins in the managed region.</summary>
    public uint Begin { get; }

    /// <summary>One past its end.</summary>
    public uint End { get; }

    /// <summary>The owner word, in the managing region.</summary>
    public uint OwnerOffset { get; }

    /// <summary>What the owner word holds.</summary>
    public uint OwnedValue { get; }

    /// <summary>Gives the area back: the owner word goes back to 0, and the managed client sees nothing of it any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isHeld, 0) == 0) return;
        _managed.Forget(this);
        if (_link is not null && _link.TryGiveBack()) return;
        // Only what is ours: where somebody has written over the word, it is no longer our business.
        _ = _manager.OwnerWord(OwnerOffset).CompareExchange32(0, 0, OwnedValue);
    }

    // The checks of the guest's driver, in its order.
    internal static RegionPermission Check(RegionClient manager, RegionClient managed, uint begin, uint end, uint ownerOffset, uint ownedValue)
    {
        const uint Page = RegionDescriptor.PageBytes;
        if (managed.Descriptor.ManagedBy == 0 || managed.Descriptor.ManagedBy != manager.Index || managed.Layout.WindowBytes != manager.Layout.WindowBytes)
            throw new RegionPermissionException(PermissionFault.NotManaged, $"Region '{managed.Name}' is not managed by region '{manager.Name}'.");
        if (begin >= end || end > managed.LengthBytes || begin < managed.DataOffset || begin % Page != 0 || end % Page != 0)
            throw Invalid($"The area 0x{begin:x} to 0x{end:x} of region '{managed.Name}' cannot be given: it must be whole pages within its data, 0x{managed.DataOffset:x} to 0x{managed.LengthBytes:x}.");
        if ((ownerOffset & 3) != 0 || ownerOffset < manager.DataOffset || ownerOffset + (long)sizeof(uint) > manager.LengthBytes)
            throw Invalid($"The owner word at 0x{ownerOffset:x} of region '{manager.Name}' cannot be: it must be a multiple of 4 within its data, 0x{manager.DataOffset:x} to 0x{manager.LengthBytes:x}.");
        if (ownedValue == 0) throw Invalid("The owner word cannot be claimed with the value 0, which means that nobody owns the area.");
        if (manager.IsReadOnly) throw new RegionException($"Region '{manager.Name}' was opened for reading only; a claim is written into it.");
        return new(manager, managed, begin, end, ownerOffset, ownedValue);
    }

    internal void Claim()
    {
        uint held = 0;
        if (!OwnerLink.TryClaim(_manager.Name, OwnerOffset, OwnedValue, _manager.Options, out _link)) held = _manager.OwnerWord(OwnerOffset).CompareExchange32(0, OwnedValue, 0);
        else if (_link is null) held = _manager.OwnerWord(OwnerOffset).ReadAcquire32(0) is var now and not 0 ? now : OwnedValue;   // it was given back meanwhile
        if (held != 0) throw new RegionPermissionException(PermissionFault.Busy, $"The area 0x{Begin:x} to 0x{End:x} of region '{_managed.Name}' is owned already: the word at 0x{OwnerOffset:x} of region '{_manager.Name}' holds {held}.");
        _isHeld = 1;
    }

    private static RegionPermissionException Invalid(string message) => new(PermissionFault.Invalid, message);
}
