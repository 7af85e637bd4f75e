// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>This Xen domain, through Linux's devices /dev/xen/gntalloc, gntdev and evtchn.</summary>
/// <remarks>
/// The kernel ends everything with the process. What a Linux domain cannot do from user space: tell whether the other domain has a granted page mapped (<see cref="IGrants.SeesMappings"/>). A grant that is
/// ended or revoked while it is mapped stays as good as before until it is not; the kernel looks about every second. Thread-safe.
/// </remarks>
public sealed class XenDomain : IDomain, IGrants, IEventChannels
{
    private readonly SafeFd _allocator, _mapper;
    private readonly DomainParts _parts;

    private XenDomain(DomainId id, SafeFd allocator, SafeFd mapper) => (Id, _allocator, _mapper, _parts) = (id, allocator, mapper, new(id));

    /// <summary>Whether this machine has the devices.</summary>
    public static bool IsHere => File.Exists(XenGrantAllocator.Path) && File.Exists(XenGrantDevice.Path) && File.Exists(XenEventDevice.Path);

    /// <inheritdoc/>
    public DomainId Id { get; }

    /// <inheritdoc/>
    public IGrants Grants => this;

    /// <inheritdoc/>
    public IEventChannels Events => this;

    /// <inheritdoc/>
    public bool SeesMappings => false;

    /// <summary>Opens the devices, and asks the store for the own number.</summary>
    /// <param name="store">A client of this host's store, through <see cref="StoreClientOptions.DevicePath"/>: only there the store knows who asks.</param>
    /// <exception cref="GrantException"><see cref="GrantFault.Lost"/>: no Xen domain, the modules are not loaded, or the devices may not be opened.</exception>
    /// <exception cref="StoreException">The store cannot be asked.</exception>
    public static async Task<XenDomain> OpenAsync(StoreClient store)
    {
        // A relative path is below the caller's own home. Source: xenstore.txt; the node is made by the tool stack.
        string? text = await store.ReadAsync("domid");
        return uint.TryParse(text, out uint id) && id <= DomainId.Highest ? Open(new((ushort)id))
            : throw new GrantException(GrantFault.BadDomain, $"The store says '{text}' where this domain's own number should be (domid).");
    }

    /// <summary>Opens the devices.</summary>
    /// <param name="id">The own number, which only the store tells.</param>
    /// <exception cref="GrantException"><see cref="GrantFault.Lost"/>, as <see cref="OpenAsync"/>.</exception>
    public static XenDomain Open(DomainId id)
    {
        SafeFd? allocator = null;
        try
        {
            allocator = XenGrantAllocator.Open();
            return new(id, allocator, XenGrantDevice.Open());
        }
        catch (LinuxException exception)
        {
            allocator?.Dispose();
            throw new GrantException(GrantFault.Lost, $"{exception.Message} Grants need a Linux domain of Xen with the modules xen-gntalloc, xen-gntdev and xen-evtchn, and root.", exception);
        }
    }

    /// <inheritdoc/>
    public GrantedPages Grant(DomainId to, int pages = 1, bool readOnly = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        uint[] references = new uint[pages];
        long index;
        try { index = XenGrantAllocator.Allocate(_allocator, to.Value, !readOnly, references); }
        catch (LinuxException exception) { throw new GrantException(GrantFault.Quota, $"{exception.Message} The module's limit is in /sys/module/xen_gntalloc/parameters/limit.", exception); }
        try { return _parts.Keep(new XenGrant(this, to, readOnly, references, index, Window.MapDevice(_allocator, (long)pages * IGrants.PageBytes, index))); }
        catch (LinuxException exception)
        {
            XenGrantAllocator.Free(_allocator, index, pages);
            throw new GrantException(GrantFault.Quota, exception.Message, exception);
        }
    }

    /// <inheritdoc/>
    public MappedPages Map(DomainId from, IReadOnlyList<GrantRef> references, bool writable = true)
    {
        if (references.Count == 0) throw new ArgumentException("There are no references to map.", nameof(references));
        uint[] numbers = [.. references.Select(reference => reference.Value)];
        long index;
        try { index = XenGrantDevice.Prepare(_mapper, from.Value, numbers); }
        catch (LinuxException exception) { throw new GrantException(GrantFault.Quota, exception.Message, exception); }
        // Xen is asked only now: a bad reference, one that has ended, and writing into what is read-only are all EINVAL.
        try { return _parts.Keep(new XenMapping(this, from, [.. references], index, Window.MapDevice(_mapper, (long)numbers.Length * IGrants.PageBytes, index, writable))); }
        catch (LinuxException exception)
        {
            XenGrantDevice.Forget(_mapper, index, numbers.Length);
            throw exception.Errno == Errno.NoMemory ? new GrantException(GrantFault.Quota, exception.Message, exception)
                : new GrantException(GrantFault.BadReference, $"Domain {from} has granted no such pages ({string.Join(", ", references)}) for {(writable ? "writing" : "reading")}: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public void CopyOut(DomainId from, GrantRef reference, int offsetBytes, Span<byte> destination)
    {
        HostDomain.CheckWithin(offsetBytes, destination.Length);
        if (destination.IsEmpty) return;
        int status;
        try { status = XenGrantDevice.CopyOut(_mapper, from.Value, reference.Value, offsetBytes, destination); }
        catch (LinuxException exception) { throw new GrantException(GrantFault.Lost, exception.Message, exception); }
        CheckCopied(status, from, reference);
    }

    /// <inheritdoc/>
    public void CopyIn(DomainId to, GrantRef reference, int offsetBytes, ReadOnlySpan<byte> source)
    {
        HostDomain.CheckWithin(offsetBytes, source.Length);
        if (source.IsEmpty) return;
        int status;
        try { status = XenGrantDevice.CopyIn(_mapper, to.Value, reference.Value, offsetBytes, source); }
        catch (LinuxException exception) { throw new GrantException(GrantFault.Lost, exception.Message, exception); }
        CheckCopied(status, to, reference);
    }

    /// <inheritdoc/>
    public EventChannel AllocateUnbound(DomainId remote) => OpenPort(remote, device => XenEventDevice.BindUnbound(device, remote.Value));

    /// <inheritdoc/>
    public EventChannel BindInterdomain(DomainId remote, EventPort remotePort) => OpenPort(remote, device => XenEventDevice.BindInterdomain(device, remote.Value, remotePort.Value));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_parts.TryEnd()) return;
        _mapper.Dispose();
        _allocator.Dispose();
    }

    /// <summary>Says what the kernel does when pages that are mapped here are unmapped, also by this process's death: with this the granter hears of it.</summary>
    /// <param name="pages">Pages that this domain mapped; for writing, where a byte is to be cleared.</param>
    /// <param name="port">An own port, at whose other end an event becomes pending; null for none.</param>
    /// <param name="clearByteAt">Offset in the pages of a byte that becomes 0; null for none.</param>
    /// <exception cref="ArgumentException">The pages are another back end's, or the offset is not within them.</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void NotifyOnUnmap(MappedPages pages, EventChannel? port, long? clearByteAt = null)
    {
        if (pages is not XenMapping mapping) throw new ArgumentException("These pages were not mapped by a Xen domain.", nameof(pages));
        XenGrantDevice.SetUnmapNotify(_mapper, Place(mapping.Index, pages.Window, clearByteAt), Actions(port, clearByteAt), port?.Port.Value ?? 0);
    }

    /// <summary>The same for pages that this domain granted: what the kernel does when the granter's own hold on them ends, also by its death.</summary>
    /// <inheritdoc cref="NotifyOnUnmap(MappedPages, EventChannel?, long?)"/>
    public void NotifyOnUnmap(GrantedPages pages, EventChannel? port, long? clearByteAt = null)
    {
        if (pages is not XenGrant grant) throw new ArgumentException("These pages were not granted by a Xen domain.", nameof(pages));
        XenGrantAllocator.SetUnmapNotify(_allocator, Place(grant.Index, pages.Window, clearByteAt), Actions(port, clearByteAt), port?.Port.Value ?? 0);
    }

    internal void Free(XenGrant grant)
    {
        _ = _parts.Forget(grant);
        XenGrantAllocator.Free(_allocator, grant.Index, grant.References.Count);
    }

    internal void Forget(XenMapping mapping)
    {
        _ = _parts.Forget(mapping);
        XenGrantDevice.Forget(_mapper, mapping.Index, mapping.References.Count);
    }

    internal void Forget(XenEventChannel channel)
    {
        _ = _parts.Forget(channel);
    }

    private static long Place(long index, Window window, long? clearByteAt)
    {
        long at = clearByteAt ?? 0;
        return at >= 0 && at < window.LengthBytes ? index + at : throw new ArgumentOutOfRangeException(nameof(clearByteAt), at, $"Byte {at} is not within pages of {window.LengthBytes} bytes.");
    }

    private static XenUnmapActions Actions(EventChannel? port, long? clearByteAt) =>
        (port is null ? XenUnmapActions.None : XenUnmapActions.SendEvent) | (clearByteAt is null ? XenUnmapActions.None : XenUnmapActions.ClearByte);

    // Xen public/grant_table.h, GNTST_*: 0 is okay.
    private static void CheckCopied(int status, DomainId domain, GrantRef reference)
    {
        if (status != 0) throw new GrantException(GrantFault.BadReference, $"Xen does not copy with reference {reference} of domain {domain}: status {status}; it is no grant to this domain, or not for this direction.");
    }

    // A descriptor of its own for each port: it is readable while that port has an event.
    private XenEventChannel OpenPort(DomainId remote, Func<SafeFd, uint> bind)
    {
        SafeFd? device = null;
        try
        {
            device = XenEventDevice.Open();
            return _parts.Keep(new XenEventChannel(this, remote, device, new(bind(device))));
        }
        catch (LinuxException exception)
        {
            device?.Dispose();
            GrantFault fault = exception.Errno switch
            {
                Errno.Invalid or Errno.NoProcess => GrantFault.BadPort,
                Errno.NoSpace or Errno.NoMemory or Errno.TooManyOpenFiles or Errno.FileTableFull => GrantFault.Quota,
                _ => GrantFault.Lost,
            };
            throw new GrantException(fault, exception.Message, exception);
        }
    }
}
