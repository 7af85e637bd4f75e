// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Mailbox.Tests;

/// <summary>A mailbox with a standing for every slot in this one process: no server, no sockets, every bell at hand.</summary>
public sealed class LocalFabric : IDisposable
{
    private readonly SafeFd _memory;
    private readonly Dictionary<PeerId, SafeFd[]> _bells = [];
    private readonly List<IDisposable> _windows = [];

    public LocalFabric(int clients = 3, int slotSize = 512)
    {
        Geometry = MailboxGeometry.Create(slotSize, clients);
        _memory = Memfd.Create("local-fabric", Geometry.WindowBytes);
        for (int id = 1; id <= Geometry.ServerId.Value; id++)
            _bells[new((ushort)id)] = [.. Enumerable.Range(0, Geometry.Events).Select(static _ => EventFd.Create())];
        Slots = new(Map(), Geometry);
        Slots.Format(clear: true);
    }

    public MailboxGeometry Geometry { get; }

    /// <summary>The memory as a third party sees it.</summary>
    public MailboxSlots Slots { get; }

    public static PeerId Id(int id) => new((ushort)id);

    public Window Map()
    {
        Window window = Window.Map(_memory);
        _windows.Add(window);
        return window;
    }

    public Standing StandingOf(int id) => new(this, Id(id));

    public Standing GuestStandingOf(int id, int ringsLost = 0) => new(this, Id(id)) { IsGuest = true, RingsLost = ringsLost };

    public MailboxEndpoint Endpoint(int id, MailboxEndpointOptions? options = null) =>
        MailboxEndpoint.Start(StandingOf(id), options ?? Quiet($"node{id}"), ownsParticipant: true);

    public static MailboxEndpointOptions Quiet(string name) => new() { Name = name, AsksServer = false };

    /// <summary>A length in a slot, hostile or not, and a ring for it.</summary>
    public void Claim(int slot, int to, ulong length)
    {
        SharedView view = Map().View(Geometry.SlotOffset(Id(slot)), SlotLayout.BufferOffset);
        view.WriteRelease64(SlotLayout.LastResponder, (ulong)to);
        view.WriteRelease64(SlotLayout.MessageLength, length);
        Ring(to, slot);
    }

    public void Ring(int peer, int vector) => _ = EventFd.Signal(_bells[Id(peer)][vector]);

    public bool HasRing(int peer, int vector) => EventFd.TryRead(_bells[Id(peer)][vector], out _);

    /// <summary>Bytes of memory that sending one message took, if it was acknowledged within the call; else null, and the rest to await.</summary>
    public static long? CostOfSending(MailboxEndpoint from, PeerId to, byte[] message, out ValueTask<SendResult> rest)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        rest = from.SendAsync(to, message);
        if (!rest.IsCompleted) return null;
        _ = rest.GetAwaiter().GetResult();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    public void Dispose()
    {
        foreach (IDisposable window in _windows) window.Dispose();
        foreach (SafeFd bell in _bells.Values.SelectMany(static all => all)) bell.Dispose();
        _memory.Dispose();
    }

    /// <summary>One slot's standing. Its peers are all others, as in a sticky fabric, until <see cref="Leave"/> says otherwise.</summary>
    public sealed class Standing(LocalFabric fabric, PeerId id) : IParticipant
    {
        private readonly SafeFd _control = EventFd.Create();
        private readonly HashSet<PeerId> _gone = [];
        private volatile PeerId[] _leaving = [];

        public PeerId Id { get; } = id;
        public Window Window { get; } = Window.Map(fabric._memory);
        public IReadOnlyList<SafeFd> Vectors => fabric._bells[Id];
        public SafeFd Control => _control;
        public bool KnowsPeers => !IsGuest;
        public IReadOnlyList<PeerId> Peers { get { lock (_gone) return IsGuest ? [] : [.. fabric._bells.Keys.Where(peer => peer != Id && !_gone.Contains(peer)).Order()]; } }
        public event Action<PeerId>? Joined { add { } remove { } }
        public event Action<PeerId>? Left;

        /// <summary>Whether the next rings fail as they do when a peer's doorbells are not known yet.</summary>
        public bool HasNoBells { get; set; }

        /// <summary>Whether it is told nothing of others, as a guest is.</summary>
        public bool IsGuest { get; init; }

        /// <summary>How many of the next rings get lost without a word, as a guest's do while its QEMU has not heard of the receiver.</summary>
        public int RingsLost { get; set; }

        public void Leave(PeerId peer)
        {
            lock (_gone) _ = _gone.Add(peer);
            _leaving = [peer];
            _ = EventFd.Signal(_control);
        }

        public bool ProcessControl()
        {
            _ = EventFd.TryRead(_control, out _);
            foreach (PeerId peer in _leaving) Left?.Invoke(peer);
            return true;
        }

        public bool Ring(PeerId peer, int vector)
        {
            lock (_gone) if (_gone.Contains(peer) || HasNoBells) return false;
            if (RingsLost > 0)
            {
                RingsLost--;
                return true;
            }
            return fabric._bells.TryGetValue(peer, out SafeFd[]? bells) && vector < bells.Length && EventFd.Signal(bells[vector]);
        }

        public void Dispose()
        {
            _control.Dispose();
            Window.Dispose();
        }
    }
}
