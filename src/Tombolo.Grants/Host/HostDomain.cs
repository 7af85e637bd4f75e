// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A domain of host processes: grants are memfds, ports are eventfds, and a service keeps the book.</summary>
internal sealed class HostDomain(DomainId id, IGrantService service) : IDomain, IGrants, IEventChannels
{
    private readonly DomainParts _parts = new(id);

    public DomainId Id { get; } = id;

    public IGrants Grants => this;

    public IEventChannels Events => this;

    public bool SeesMappings => true;

    public IGrantService Service { get; } = service;

    public GrantedPages Grant(DomainId to, int pages = 1, bool readOnly = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        Window? window = null;
        using SafeFd memory = Memfd.Create("grant", (long)pages * IGrants.PageBytes);
        try
        {
            window = Window.Map(memory);   // before the seals: what is writable then stays so
            Memfd.Add(memory, GrantBook.SealsOf(readOnly));
            GrantRef first = Service.Grant(to, pages, readOnly, memory);
            return _parts.Keep(new HostGrant(this, to, first, pages, readOnly, window));
        }
        catch
        {
            window?.Dispose();
            throw;
        }
    }

    public MappedPages Map(DomainId from, IReadOnlyList<GrantRef> references, bool writable = true)
    {
        if (references.Count == 0) throw new ArgumentException("There are no references to map.", nameof(references));
        for (int at = 1; at < references.Count; at++)
            if (references[at].Value != references[0].Value + (uint)at)
                throw new GrantException(GrantFault.BadReference, $"References {references[at - 1]} and {references[at]} do not follow each other: only pages of one grant, in its order, can be mapped together.");
        MappingAnswer answer = Service.Map(from, references[0], references.Count, writable);
        using SafeFd memory = answer.Memory;
        try
        {
            CheckMemory(memory, answer.FirstPage, references.Count);
            Window window = Window.MapDevice(memory, (long)references.Count * IGrants.PageBytes, (long)answer.FirstPage * IGrants.PageBytes, writable);
            return _parts.Keep(new HostMapping(this, from, [.. references], answer.Id, window));
        }
        catch
        {
            Service.Unmap(answer.Id);
            throw;
        }
    }

    public void CopyOut(DomainId from, GrantRef reference, int offsetBytes, Span<byte> destination)
    {
        CheckWithin(offsetBytes, destination.Length);
        using MappedPages mapped = Map(from, [reference], writable: false);
        mapped.Window.View(offsetBytes, destination.Length).CopyOut(0, destination);
    }

    public void CopyIn(DomainId to, GrantRef reference, int offsetBytes, ReadOnlySpan<byte> source)
    {
        CheckWithin(offsetBytes, source.Length);
        using MappedPages mapped = Map(to, [reference]);
        mapped.Window.View(offsetBytes, source.Length).CopyIn(0, source);
    }

    public EventChannel AllocateUnbound(DomainId remote) => _parts.Keep(new HostEventChannel(this, remote, Service.AllocateUnbound(remote)));

    public EventChannel BindInterdomain(DomainId remote, EventPort remotePort) => _parts.Keep(new HostEventChannel(this, remote, Service.BindInterdomain(remote, remotePort)));

    public void Forget(IDisposable part) => _parts.Forget(part);

    public void Dispose()
    {
        if (!_parts.TryEnd()) return;
        Service.Dispose();
    }

    internal static void CheckWithin(int offsetBytes, int lengthBytes)
    {
        if (offsetBytes < 0 || offsetBytes > IGrants.PageBytes - lengthBytes)
            throw new ArgumentOutOfRangeException(nameof(offsetBytes), offsetBytes, $"{lengthBytes} bytes at offset {offsetBytes} are not within a page of {IGrants.PageBytes} bytes.");
    }

    // Touching what lies beyond the memory would end this process: the service is believed, but not that far.
    private static void CheckMemory(SafeFd memory, int firstPage, int pages)
    {
        bool isSealed;
        try { isSealed = (Memfd.SealsOf(memory) & Seals.Shrink) != 0; }
        catch (LinuxException) { isSealed = false; }
        if (!isSealed || SharedFile.SizeOf(memory) < ((long)firstPage + pages) * IGrants.PageBytes)
            throw new GrantException(GrantFault.Lost, $"The memory that was handed over is not sealed, or shorter than {firstPage} and {pages} pages.");
    }
}
