// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A host process's standing as a domain in a window that it shares with guests: place n is the peer with ID n.</summary>
/// <remarks>
/// Theory of operation. The tables in the window say what is granted and bound, as every party changes them by the steps of <see cref="GrantWindow"/>; what others must not decide (which pages and grants are
/// free, what is mapped how often, which ports are ours) is kept here. One thread waits for vector 0, and passes on what is pending. A port that was passed on is masked until it is
/// taken, so that a busy pair rings no doorbells. When the process dies, the fabric's host takes it out of the window (<see cref="GrantWindow.Forget"/>).
/// </remarks>
public sealed class WindowDomain : IDomain, IGrants, IEventChannels
{
    private const ulong ExitToken = 0, RingToken = 1;
    private readonly Lock _gate = new();   // guards _ports and _table; taken before the parts' own
    private readonly DomainParts _parts;
    private readonly Dictionary<uint, WindowEventChannel> _ports = [];
    private readonly WindowTable _table;
    private readonly IParticipant _participant;
    private readonly SafeFd _memory;
    private readonly Doorbell _exit = Doorbell.Create(), _own;
    private readonly Thread _loop;
    private readonly Action? _rung;
    private uint _nextPort = GrantWindowShape.FirstPort;

    private WindowDomain(IParticipant participant, SafeFd memory, GrantWindow window, Action? rung)
    {
        (_participant, _memory, Shared, _rung) = (participant, memory.Duplicate(), window, rung);
        Place = participant.Id.Value;
        _parts = new(Id);
        _own = new(participant.Vectors[0].Duplicate());
        window.Arrive(Place);
        _table = new(window, Place);
        _loop = new(Run) { Name = $"grants-{Place}", IsBackground = true };
        _loop.Start();
    }

    /// <inheritdoc/>
    public DomainId Id => Shared.Shape.DomainOf(Place);

    /// <inheritdoc/>
    public IGrants Grants => this;

    /// <inheritdoc/>
    public IEventChannels Events => this;

    /// <inheritdoc/>
    public bool SeesMappings => true;

    internal GrantWindow Shared { get; }

    internal int Place { get; }

    /// <summary>Becomes the domain of a participant's ID.</summary>
    /// <param name="participant">The standing on the fabric, borrowed: its memory holds grants, and nobody else of this process listens to its vector 0.</param>
    /// <param name="memory">The memory's descriptor, borrowed.</param>
    /// <returns>The standing, which the caller disposes before the participant.</returns>
    /// <exception cref="GrantException"><see cref="GrantFault.Lost"/>: the memory holds no grants; <see cref="GrantFault.BadDomain"/>: the ID has no place.</exception>
    public static WindowDomain Join(IParticipant participant, SafeFd memory) => Join(participant, memory, rung: null);

    /// <summary>Connects to a fabric's socket and becomes the domain of the ID that it gives.</summary>
    /// <param name="socketPath">The doorbell fabric's socket.</param>
    /// <returns>The standing; disposing it leaves the fabric, too.</returns>
    /// <exception cref="GrantException">As for the other; and what <see cref="IvshmemClient.Connect"/> throws.</exception>
    public static WindowDomain Connect(string socketPath)
    {
        var client = IvshmemClient.Connect(new() { SocketPath = socketPath, KeepsMemory = true, VectorCount = static window => GrantWindowShape.Read(window).Domains });
        try
        {
            WindowDomain domain = Join(client, client.Memory!);
            domain.Leaves = client;
            return domain;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public GrantedPages Grant(DomainId to, int pages = 1, bool readOnly = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        if (to.Value > DomainId.Highest) throw new GrantException(GrantFault.BadDomain, $"There is no domain {to}; the highest is {DomainId.Highest}.");
        int first;
        GrantRef[] references;
        lock (_gate) (first, references) = _table.Take(pages);
        uint frame = Shared.FirstFrame(Place) + (uint)first;
        try
        {
            Window window = Window.MapDevice(_memory, (long)pages * IGrants.PageBytes, (long)frame * IGrants.PageBytes);
            for (int page = 0; page < pages; page++)
            {
                window.View((long)page * IGrants.PageBytes, IGrants.PageBytes).Clear(0, IGrants.PageBytes);   // what it held was for another domain's eyes
                Shared.Offer(Place, references[page], to, frame + (uint)page, readOnly);
            }
            return _parts.Keep(new WindowGrant(this, to, references, readOnly, first, window));
        }
        catch (LinuxException)
        {
            Give(first, references);
            throw;
        }
    }

    /// <inheritdoc/>
    public MappedPages Map(DomainId from, IReadOnlyList<GrantRef> references, bool writable = true)
    {
        if (references.Count == 0) throw new ArgumentException("There are no references to map.", nameof(references));
        int place = Shared.Shape.PlaceOf(from) ?? throw new GrantException(GrantFault.BadReference, $"Domain {from} is not in this window; its pages can be copied, not mapped.");
        GrantRef[] own = [.. references];
        long[] offsets = new long[own.Length];
        Claim(place, own, writable, offsets);
        try { return _parts.Keep(new WindowMapping(this, from, place, own, writable, MapFrames(offsets, writable))); }
        catch (LinuxException)
        {
            Unmap(place, own, writable);
            throw;
        }
    }

    /// <inheritdoc/>
    public void CopyOut(DomainId from, GrantRef reference, int offsetBytes, Span<byte> destination)
    {
        HostDomain.CheckWithin(offsetBytes, destination.Length);
        using MappedPages mapped = Map(from, [reference], writable: false);
        mapped.Window.View(offsetBytes, destination.Length).CopyOut(0, destination);
    }

    /// <inheritdoc/>
    public void CopyIn(DomainId to, GrantRef reference, int offsetBytes, ReadOnlySpan<byte> source)
    {
        HostDomain.CheckWithin(offsetBytes, source.Length);
        using MappedPages mapped = Map(to, [reference]);
        mapped.Window.View(offsetBytes, source.Length).CopyIn(0, source);
    }

    /// <inheritdoc/>
    public EventChannel AllocateUnbound(DomainId remote)
    {
        _ = PlaceOf(remote);
        lock (_gate)
        {
            WindowEventChannel channel = TakePort(remote);
            Shared.Listen(Place, channel.Port, remote);
            return channel;
        }
    }

    /// <inheritdoc/>
    public EventChannel BindInterdomain(DomainId remote, EventPort remotePort)
    {
        int place = PlaceOf(remote);
        WindowEventChannel channel;
        lock (_gate)
        {
            channel = TakePort(remote);
            if (Shared.TryBind(Place, channel.Port, place, remotePort))
            {
                channel.Fire();   // what happened before the binding could not be heard
                return channel;
            }
        }
        channel.Dispose();
        throw new GrantException(GrantFault.BadPort, $"Port {remotePort} of domain {remote} does not wait for domain {Id}: it is not there, for another domain, or bound already.");
    }

    /// <summary>Ends everything that was made by this object, and leaves the window.</summary>
    public void Dispose()
    {
        if (!_parts.TryEnd()) return;
        _ = _exit.Ring();
        _loop.Join();
        Shared.Forget(Place);
        _exit.Dispose();
        _own.Dispose();
        _memory.Dispose();
        Leaves?.Dispose();
    }

    internal static WindowDomain Join(IParticipant participant, SafeFd memory, Action? rung)
    {
        var shape = GrantWindowShape.Read(participant.Window);
        if (participant.Id.Value >= shape.Domains) throw new GrantException(GrantFault.BadDomain, $"Peer {participant.Id} has no place in this window; there are places 0 to {shape.Domains - 1}.");
        return new(participant, memory, new(participant.Window, shape), rung);
    }

    internal void Give(int firstPage, IReadOnlyList<GrantRef> references)
    {
        lock (_gate) _table.Give(firstPage, references);
    }

    internal void Unmap(int place, IReadOnlyList<GrantRef> references, bool writable)
    {
        lock (_gate)
            foreach (GrantRef reference in references) _table.Unmap(place, reference, writable);
    }

    internal void Notify(EventPort port)
    {
        if (Shared.Notify(Place, port) is not { } place) return;
        if (place == Place) Look();
        else _ = _participant.Ring(new((ushort)place), 0);
    }

    internal void Forget(IDisposable part) => _parts.Forget(part);

    internal void ClosePort(WindowEventChannel channel)
    {
        lock (_gate)
        {
            if (!_parts.Forget(channel)) return;
            Shared.Close(Place, channel.Port);
            _ = _ports.Remove(channel.Port.Value);
        }
    }

    private IvshmemClient? Leaves { get; set; }

    private int PlaceOf(DomainId remote) => Shared.Shape.PlaceOf(remote) ?? throw new GrantException(GrantFault.BadDomain, $"Domain {remote} is not in this window, which has {Shared.Shape.Domains} places.");

    // All of them, or none.
    private void Claim(int place, GrantRef[] references, bool writable, long[] offsets)
    {
        lock (_gate)
        {
            for (int at = 0; at < references.Length; at++)
            {
                ClaimResult result = _table.Map(place, references[at], writable, out uint frame);
                offsets[at] = (long)frame * IGrants.PageBytes;
                if (result == ClaimResult.Taken) continue;
                for (int taken = 0; taken < at; taken++) _table.Unmap(place, references[taken], writable);
                throw new GrantException(GrantFault.BadReference, $"Reference {references[at]} of domain {Shared.Shape.DomainOf(place)} cannot be mapped{(writable ? " for writing" : "")}: it is no grant to domain {Id}, or not for that ({result}).");
            }
        }
    }

    private Window MapFrames(long[] offsets, bool writable)
    {
        for (int at = 1; at < offsets.Length; at++)
            if (offsets[at] != offsets[at - 1] + IGrants.PageBytes) return Window.MapPieces(_memory, IGrants.PageBytes, offsets, writable);
        return Window.MapDevice(_memory, (long)offsets.Length * IGrants.PageBytes, offsets[0], writable);
    }

    // The caller holds the gate.
    private WindowEventChannel TakePort(DomainId remote)
    {
        for (int step = 0; step < Shared.Shape.Ports; step++)
        {
            uint port = (uint)((_nextPort + step) % Shared.Shape.Ports);
            if (port < GrantWindowShape.FirstPort || _ports.ContainsKey(port)) continue;
            _nextPort = port + 1;
            Shared.SetMask(Place, new(port), isMasked: false);
            _ = Shared.TakePending(Place, new(port));
            WindowEventChannel channel = _parts.Keep(new WindowEventChannel(this, new(port), remote));
            _ports.Add(port, channel);
            return channel;
        }
        throw new GrantException(GrantFault.Quota, $"Domain {Id} has no free port; it may have {Shared.Shape.Ports - 1} (ports of the window).");
    }

    private void Run()
    {
        using Epoll epoll = new();
        epoll.Add(_exit.Descriptor, EpollEvents.Readable, ExitToken);
        epoll.Add(_own.Descriptor, EpollEvents.Readable, RingToken);
        var reports = new EpollReport[2];
        while (true)
        {
            int count = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            for (int at = 0; at < count; at++)
                if (reports[at].Token == ExitToken) return;
            _ = _own.TryTake();
            Look();
            _rung?.Invoke();
        }
    }

    // A copy of each group's bits: at most 64 ports, whatever others write.
    private void Look()
    {
        for (int group = 0; group < Shared.Shape.Ports / 64; group++)
            for (ulong bits = Shared.PendingOf(Place, group); bits != 0; bits &= bits - 1)
            {
                WindowEventChannel? channel;
                uint port = (uint)((group * 64) + System.Numerics.BitOperations.TrailingZeroCount(bits));
                lock (_gate) _ = _ports.TryGetValue(port, out channel);
                channel?.Heed();
            }
    }
}
