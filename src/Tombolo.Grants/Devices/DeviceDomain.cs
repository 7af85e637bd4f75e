// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A QEMU guest's standing as a domain, through the devices of tombolo_grant.ko.</summary>
/// <remarks>The kernel keeps the book: what this process made ends with it, however it ends. All processes of a guest are the same domain, and share its quotas. Thread-safe.</remarks>
public sealed class DeviceDomain : IDomain, IGrants, IEventChannels
{
    private readonly DomainParts _parts;
    private readonly GrantDevices _devices;

    private DeviceDomain(GrantDevices devices, SafeFd alloc, SafeFd map, DomainId id) => (_devices, Alloc, Mapper, Id, _parts) = (devices, alloc, map, id, new(id));

    /// <inheritdoc/>
    public DomainId Id { get; }

    /// <inheritdoc/>
    public IGrants Grants => this;

    /// <inheritdoc/>
    public IEventChannels Events => this;

    /// <inheritdoc/>
    public bool SeesMappings => true;

    internal SafeFd Alloc { get; }

    internal SafeFd Mapper { get; }

    /// <summary>Opens the devices.</summary>
    /// <param name="devices">Which; null for what <see cref="GrantDevices.Find"/> finds.</param>
    /// <returns>The standing, which the caller disposes.</returns>
    /// <exception cref="GrantException"><see cref="GrantFault.BadDomain"/>: there are no such devices, or several.</exception>
    /// <exception cref="LinuxException">They are not for this user.</exception>
    public static DeviceDomain Open(GrantDevices? devices = null)
    {
        devices ??= GrantDevices.Find() ?? throw new GrantException(GrantFault.BadDomain, "There are no devices for grants (/dev/tombolo_gntalloc_*): this guest has no ivshmem device whose window holds grants, or tombolo_grant.ko is not loaded.");
        SafeFd alloc = CharacterDevice.OpenBoth(devices.Alloc);
        try
        {
            DomainId id = Ask(alloc, devices.Alloc);
            return new(devices, alloc, CharacterDevice.OpenBoth(devices.Map), id);   // opened last: nothing can fail after it
        }
        catch
        {
            alloc.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public GrantedPages Grant(DomainId to, int pages = 1, bool readOnly = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        if (pages > GrantCalls.MostPagesAtOnce) throw new GrantException(GrantFault.Quota, $"A grant of {pages} pages is more than the driver makes at once; make several of at most {GrantCalls.MostPagesAtOnce}.");
        if (to.Value > DomainId.Highest) throw new GrantException(GrantFault.BadDomain, $"There is no domain {to}; the highest is {DomainId.Highest}.");
        uint[] references = new uint[pages];
        Check(GrantCalls.Alloc(Alloc, to.Value, readOnly, references, out ulong index), GrantFault.BadDomain, $"Granting {pages} pages to domain {to}");
        try
        {
            Window window = Window.MapDevice(Alloc, (long)pages * IGrants.PageBytes, (long)index);
            return _parts.Keep(new DeviceGrant(this, to, [.. references.Select(static reference => new GrantRef(reference))], readOnly, index, window));
        }
        catch
        {
            _ = GrantCalls.Range(Alloc, GrantCalls.DeallocGref, index, pages);
            throw;
        }
    }

    /// <inheritdoc/>
    public MappedPages Map(DomainId from, IReadOnlyList<GrantRef> references, bool writable = true)
    {
        if (references.Count == 0) throw new ArgumentException("There are no references to map.", nameof(references));
        string what = $"Mapping {references.Count} pages of domain {from}, the first with reference {references[0]},";
        Check(GrantCalls.Map(Mapper, from.Value, references, out ulong index), GrantFault.BadReference, what);
        try
        {
            Window window = Window.MapDevice(Mapper, (long)references.Count * IGrants.PageBytes, (long)index, writable);
            return _parts.Keep(new DeviceMapping(this, from, [.. references], index, window));
        }
        catch (Exception exception)
        {
            _ = GrantCalls.Range(Mapper, GrantCalls.UnmapGrantRef, index, references.Count);
            if (exception is LinuxException refused) Check(refused.Errno, GrantFault.BadReference, what);   // the driver looks at the references when they are mapped
            throw;
        }
    }

    /// <inheritdoc/>
    public void CopyOut(DomainId from, GrantRef reference, int offsetBytes, Span<byte> destination)
    {
        HostDomain.CheckWithin(offsetBytes, destination.Length);
        string what = $"Copying out of reference {reference} of domain {from}";
        Check(GrantCopy.Out(Mapper, from.Value, reference.Value, (ushort)offsetBytes, destination, out short status), GrantFault.BadReference, what);
        CheckStatus(status, what);
    }

    /// <inheritdoc/>
    public void CopyIn(DomainId to, GrantRef reference, int offsetBytes, ReadOnlySpan<byte> source)
    {
        HostDomain.CheckWithin(offsetBytes, source.Length);
        string what = $"Copying into reference {reference} of domain {to}";
        Check(GrantCopy.In(Mapper, to.Value, reference.Value, (ushort)offsetBytes, source, out short status), GrantFault.BadReference, what);
        CheckStatus(status, what);
    }

    /// <inheritdoc/>
    public EventChannel AllocateUnbound(DomainId remote) => Bind(remote, GrantCalls.BindUnboundPort, [remote.Value], GrantFault.BadDomain, $"Making a port for domain {remote}");

    /// <inheritdoc/>
    public EventChannel BindInterdomain(DomainId remote, EventPort remotePort) =>
        Bind(remote, GrantCalls.BindInterdomain, [remote.Value, remotePort.Value], GrantFault.BadPort, $"Binding to port {remotePort} of domain {remote}");

    /// <summary>Ends everything that was made by this object, and closes the devices.</summary>
    public void Dispose()
    {
        if (!_parts.TryEnd()) return;
        Alloc.Dispose();
        Mapper.Dispose();
    }

    internal void Forget(IDisposable part) => _parts.Forget(part);

    /// <summary>An errno as what it means here; 0 is none.</summary>
    internal static void Check(int errno, GrantFault whenInvalid, string what)
    {
        if (errno == 0) return;
        GrantFault fault = errno switch
        {
            Errno.NoDevice => GrantFault.Lost,
            Errno.NoSpace or Errno.NoMemory => GrantFault.Quota,
            Errno.NoProcess => GrantFault.BadDomain,
            _ => whenInvalid,
        };
        var inner = new LinuxException("ioctl", what, errno);
        throw new GrantException(fault, $"{what} was refused by the driver ({inner.Message.TrimEnd('.')}).", inner);
    }

    private static DomainId Ask(SafeFd device, string path)
    {
        Span<byte> info = stackalloc byte[GrantCalls.InfoBytes];
        int errno = DeviceControl.Call(device, GrantCalls.Info, info);
        return errno == 0 ? new((ushort)BinaryPrimitives.ReadUInt32LittleEndian(info)) : throw new GrantException(GrantFault.BadDomain, $"{path} is no device of tombolo_grant.ko (error {errno}).");
    }

    private static void CheckStatus(short status, string what)
    {
        if (status == 0) return;
        throw new GrantException(GrantFault.BadReference, $"{what} was refused (GNTST {status}): the reference is no grant to this domain, or only for reading.");
    }

    private DeviceEventChannel Bind(DomainId remote, uint request, ReadOnlySpan<uint> numbers, GrantFault whenInvalid, string what)
    {
        SafeFd device = CharacterDevice.OpenBoth(_devices.Events);   // one for each port: its file is readable when that port fired
        try
        {
            Check(GrantCalls.Numbers(device, request, numbers, out int port), whenInvalid, what);
            return _parts.Keep(new DeviceEventChannel(this, remote, new((uint)port), device));
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }
}
