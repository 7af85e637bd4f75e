// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

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

/// <summary>The right to an area of a managed region, for as long as it is not disposed; the managing client may be closed meanwhile.</summary>
/// <remarks>Where the process is killed, the server gives the area back. (A server that is not ours does not: the owner word stays as it is, as when a vSoC host process dies.)</remarks>
public sealed class RegionPermission : IDisposable
{
    private readonly RegionClient _managed;
    private readonly Window _window;   // its own, for the owner word
    private readonly long _wordAt;     // in the window
    private readonly OwnerLink? _link;
    private int _isHeld = 1;

    private RegionPermission(RegionClient managed, uint begin, uint end, uint ownerOffset, uint ownedValue, Window window, long wordAt, OwnerLink? link)
    {
        (_managed, Begin, End, OwnerOffset, OwnedValue) = (managed, begin, end, ownerOffset, ownedValue);
        (_window, _wordAt, _link) = (window, wordAt, link);
    }

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
        // Only what is ours: where somebody has written over the word, it is no longer our business.
        if (_link is null || !_link.TryGiveBack()) _ = _window.View(_wordAt, sizeof(uint)).CompareExchange32(0, 0, OwnedValue);
        _window.Dispose();
    }

    /// <summary>The checks of the guest's driver; that there is no permission yet, the caller sees.</summary>
    internal static void Check(RegionClient manager, RegionClient managed, uint begin, uint end, uint ownerOffset, uint ownedValue)
    {
        const uint Page = RegionDescriptor.PageBytes;
        if (managed.Descriptor.ManagedBy == 0 || managed.Descriptor.ManagedBy != manager.Index || SharedFile.IdentityOf(managed.Memory) != SharedFile.IdentityOf(manager.Memory))
            throw new RegionPermissionException(PermissionFault.NotManaged, $"Region '{managed.Name}' is not managed by region '{manager.Name}' of the same window.");
        if (begin >= end || end > managed.LengthBytes || begin < managed.DataOffset || begin % Page != 0 || end % Page != 0)
            throw Invalid($"The area 0x{begin:x} to 0x{end:x} of region '{managed.Name}' cannot be given: it must be whole pages within its data, 0x{managed.DataOffset:x} to 0x{managed.LengthBytes:x}.");
        if ((ownerOffset & 3) != 0 || ownerOffset < manager.DataOffset || ownerOffset + (long)sizeof(uint) > manager.LengthBytes)
            throw Invalid($"The owner word at 0x{ownerOffset:x} of region '{manager.Name}' cannot be: it must be a multiple of 4 within its data, 0x{manager.DataOffset:x} to 0x{manager.LengthBytes:x}.");
        if (ownedValue == 0) throw Invalid("The owner word cannot be claimed with the value 0, which means that nobody owns the area.");
        if (manager.IsReadOnly) throw new RegionException($"Region '{manager.Name}' was opened for reading only; a claim is written into it.");
    }

    /// <summary>Claims what was checked.</summary>
    internal static RegionPermission Claim(RegionClient manager, RegionClient managed, uint begin, uint end, uint ownerOffset, uint ownedValue)
    {
        long wordAt = manager.Descriptor.BeginOffset + (long)ownerOffset;
        Window window = Window.Map(manager.Memory);
        try
        {
            uint held = 0;
            if (!OwnerLink.TryClaim(manager.Name, ownerOffset, ownedValue, manager.Options, out OwnerLink? link)) held = window.View(wordAt, sizeof(uint)).CompareExchange32(0, ownedValue, 0);
            else if (link is null) held = window.View(wordAt, sizeof(uint)).ReadAcquire32(0) is var now and not 0 ? now : ownedValue;   // it was given back meanwhile
            if (held == 0) return new(managed, begin, end, ownerOffset, ownedValue, window, wordAt, link);
            throw new RegionPermissionException(PermissionFault.Busy, $"The area 0x{begin:x} to 0x{end:x} of region '{managed.Name}' is owned already: the word at 0x{ownerOffset:x} of region '{manager.Name}' holds {held}.");
        }
        catch
        {
            window.Dispose();
            throw;
        }
    }

    private static RegionPermissionException Invalid(string message) => new(PermissionFault.Invalid, message);
}
