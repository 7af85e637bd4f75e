// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Threading.Channels;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Mailbox;

/// <summary>One participant of a mailbox: sends, receives, acknowledges and answers.</summary>
/// <remarks>
/// Theory of operation. One thread waits on every vector, on the fabric's control descriptor, and on a doorbell of its own. Doorbells coalesce, and those rung before the thread
/// listened may be lost, so it does not believe them: at the start it looks at every slot, and after a ring at all slots that the ring may stand for. A message is taken only where there
/// is room for it; else it stays in its slot, which holds back exactly its sender. An idle endpoint never wakes up.
/// Everything in the window can be written by every party at any moment: a hostile one can lose, forge or garble messages, but can do no more to this process.
/// Sending may be done from any thread, in order of the calls. Source: docs/specs/mailbox.md.
/// </remarks>
public sealed partial class MailboxEndpoint : IAsyncDisposable
{
    private const ulong WakeToken = 0, ControlToken = 1, FirstVectorToken = 2;
    // Replies and handlers' own messages that may wait; beyond that, messages that could cause more stay in their slots.
    private const int MostQueued = 64;
    // Mailboxes up to this size are looked at whole after every ring: cheaper than asking who rang.
    private const int FewSlots = 64;

    private readonly IParticipant _self;
    private readonly bool _ownsParticipant;
    private readonly MailboxEndpointOptions _options;
    private readonly MailboxSlots _slots;
    private readonly SlotSender _sender;
    private readonly Channel<MailboxMessage> _inbox;
    private readonly ConcurrentDictionary<PeerId, string> _attributes = new();
    private readonly byte[] _scratch;
    private readonly Epoll _epoll = new();
    private readonly Doorbell _wake = Doorbell.Create();
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _vectorsWatched;
    private volatile bool _isStopping, _isInboxBlocked;
    private bool _mustLookAgain;
    private int _isDisposed;
    private long _received, _bad, _wakeUps;

    private MailboxEndpoint(IParticipant self, MailboxEndpointOptions options, bool ownsParticipant)
    {
        (_self, _options, _ownsParticipant) = (self, options, ownsParticipant);
        _slots = new(self.Window, MailboxGeometry.Read(self.Window));
        if (!Geometry.HasSlot(self.Id))
            throw new ProtocolException(WireFault.ValueOutOfRange, $"This peer's ID is {self.Id}, but the mailbox has slots 1 to {Geometry.ServerId}.");
        _sender = new(self, _slots, options);
        _scratch = new byte[Geometry.MaxMessage];
        _inbox = Channel.CreateBounded<MailboxMessage>(new BoundedChannelOptions(options.InboxCapacity) { SingleWriter = true });
        _thread = new(Run) { Name = $"mailbox-{self.Id}", IsBackground = true };
    }

    /// <summary>This peer's ID.</summary>
    public PeerId Id => _self.Id;

    /// <summary>The mailbox's sizes.</summary>
    public MailboxGeometry Geometry => _slots.Geometry;

    /// <summary>The longest message in bytes.</summary>
    public int MaxMessage => Geometry.MaxMessage;

    /// <summary>The standing on the fabric below: for raw rings and for how many vectors somebody has.</summary>
    public IParticipant Participant => _self;

    /// <summary>The address that the fabric manager gave this peer; default: none yet.</summary>
    public SidCid Address { get; private set; }

    /// <summary>Whether the server's connection stands. Without it everything goes on but the news of who comes and goes.</summary>
    public bool HasServer { get; private set; } = true;

    /// <summary>Why the server's connection was given up, where it broke the protocol; else null.</summary>
    public string? ServerFault { get; private set; }

    /// <summary>Ends when the endpoint does; fails where a fault of ours ended it.</summary>
    public Task Completion => _ended.Task;

    /// <summary>What it did so far.</summary>
    public MailboxCounters Counters
    {
        get
        {
            (long sent, long acknowledged, long timeouts) = _sender.Counts;
            return new(sent, acknowledged, timeouts, Interlocked.Read(ref _received), Interlocked.Read(ref _bad), Interlocked.Read(ref _wakeUps));
        }
    }

    /// <summary>Connects to a mailbox fabric's socket and takes part.</summary>
    /// <param name="fabric">Where, and how long to wait; <see cref="IvshmemClientOptions.VectorCount"/> is filled in.</param>
    /// <param name="options">How to take part.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    /// <exception cref="LinuxException">Nobody listens there, or the kernel refused.</exception>
    /// <exception cref="ProtocolException">The server broke the protocol or refused, or its memory holds no mailbox.</exception>
    public static MailboxEndpoint Connect(IvshmemClientOptions fabric, MailboxEndpointOptions options)
    {
        Validate(options);
        IvshmemClient client = IvshmemClient.Connect(fabric with { VectorCount = MailboxGeometry.VectorCountIn });
        return Start(client, options, ownsParticipant: true);
    }

    /// <summary>Takes part in a mailbox with a standing on its fabric.</summary>
    /// <param name="self">The standing; its control belongs to this endpoint from now on.</param>
    /// <param name="options">How to take part.</param>
    /// <param name="ownsParticipant">Whether to dispose it at the end, or when this call fails.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    /// <exception cref="ProtocolException">The memory holds no mailbox, or none with a slot for this ID.</exception>
    /// <exception cref="LinuxException">No descriptor is left.</exception>
    public static MailboxEndpoint Start(IParticipant self, MailboxEndpointOptions options, bool ownsParticipant = false)
    {
        try
        {
            Validate(options);
            var endpoint = new MailboxEndpoint(self, options, ownsParticipant);
            try { endpoint.Begin(); }
            catch
            {
                endpoint._epoll.Dispose();
                endpoint._wake.Dispose();
                throw;
            }
            return endpoint;
        }
        catch
        {
            if (ownsParticipant) self.Dispose();
            throw;
        }
    }

    /// <summary>Sends a message, after those sent before it.</summary>
    /// <param name="to">The receiver.</param>
    /// <param name="message">1 to <see cref="MaxMessage"/> bytes; not needed once the call returns.</param>
    /// <param name="timeout">How long the receiver has to take it, once it is in the slot; null for the endpoint's setting.</param>
    /// <returns>What became of it. Await it once.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is empty or too long.</exception>
    /// <remarks>The call may look for the acknowledgement for <see cref="MailboxEndpointOptions.Spin"/> before it returns. Thread-safe.</remarks>
    public ValueTask<SendResult> SendAsync(PeerId to, ReadOnlySpan<byte> message, TimeSpan? timeout = null)
    {
        CheckLength(message);
        Dispatch dispatch = _sender.Submit(to, message, timeout ?? _options.SendTimeout, isDetached: false);
        bool isLoop = Thread.CurrentThread == _thread;
        if (!dispatch.IsDone && !isLoop) _sender.Watch(dispatch, _options.Spin);
        if (!dispatch.IsDone && !isLoop) Wake();
        return new(dispatch, dispatch.Token);
    }

    /// <summary>Sends a message and asks for no result.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public void Post(PeerId to, ReadOnlySpan<byte> message, TimeSpan? timeout = null)
    {
        CheckLength(message);
        _ = _sender.Submit(to, message, timeout ?? _options.SendTimeout, isDetached: true);
        if (Thread.CurrentThread != _thread) Wake();
    }

    /// <summary>Sends a fabric message and asks for no result. In a mailbox whose slots are too short for it, it is not sent, and counted as bad.</summary>
    /// <param name="to">The receiver.</param>
    /// <param name="message">The message.</param>
    /// <param name="timeout">How long the receiver has to take it; null for the endpoint's setting.</param>
    public void Post(PeerId to, FabricMessage message, TimeSpan? timeout = null)
    {
        byte[] bytes = message.ToBytes();
        if (bytes.Length <= MaxMessage) Post(to, bytes, timeout);
        else _ = Interlocked.Increment(ref _bad);
    }

    /// <summary>Rings a peer as somebody else, and may first put a message into that peer's slot: a lie, for tests of those who trust the source.</summary>
    /// <param name="to">Whom to ring.</param>
    /// <param name="source">As whom.</param>
    /// <param name="message">Empty: only ring. Else it replaces whatever is in the slot of <paramref name="source"/>.</param>
    /// <returns>False where one of the two is no peer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The message is too long.</exception>
    public bool Forge(PeerId to, PeerId source, ReadOnlySpan<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Length, MaxMessage, nameof(message));
        if (!Geometry.HasSlot(to) || !Geometry.HasSlot(source)) return false;
        byte[] copy = message.ToArray();
        return (copy.Length == 0 || _sender.TryUse(slots => slots.Publish(source, to, copy))) && _self.Ring(to, source.Value);
    }

    /// <summary>Waits for a message. Only without <see cref="MailboxEndpointOptions.Handler"/>.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The message; null once the endpoint has ended.</returns>
    public async ValueTask<MailboxMessage?> ReceiveAsync(CancellationToken cancellation = default)
    {
        while (await _inbox.Reader.WaitToReadAsync(cancellation))
            if (TryReceive(out MailboxMessage? message)) return message;
        return null;
    }

    /// <summary>Takes a message that is there already.</summary>
    /// <param name="message">The message.</param>
    /// <returns>False where none is.</returns>
    public bool TryReceive([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out MailboxMessage? message)
    {
        if (!_inbox.Reader.TryRead(out message)) return false;
        if (_isInboxBlocked)
        {
            _isInboxBlocked = false;
            Wake();   // messages wait in their slots for the room just made
        }
        return true;
    }

    /// <summary>Who takes part, this endpoint included, by ID: every peer that shows a name, and the server.</summary>
    /// <exception cref="ObjectDisposedException">The endpoint has ended.</exception>
    public IReadOnlyList<MailboxPeer> Who()
    {
        var who = new List<MailboxPeer>();
        bool isOpen = _sender.TryUse(slots =>
        {
            IEnumerable<PeerId> possible = _self.KnowsPeers ? _self.Peers.Append(Id) : Enumerable.Range(1, Geometry.ServerId.Value).Select(static id => new PeerId((ushort)id));
            foreach (PeerId id in possible.Where(Geometry.HasSlot).Order())
            {
                string name = slots.NameOf(id);
                if (name.Length > 0 || id == Geometry.ServerId) who.Add(new(id, name, slots.AddressOf(id), _attributes.GetValueOrDefault(id, "")));
            }
        });
        ObjectDisposedException.ThrowIf(!isOpen, this);
        return who;
    }

    /// <summary>Ends: what is in flight is withdrawn, the name is taken back, the fabric is left.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _isStopping = true;
            Wake();
        }
        await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>A peer left, as told by somebody else than the participant: nothing waits for it any longer.</summary>
    internal void Forget(PeerId peer)
    {
        _ = _attributes.TryRemove(peer, out _);
        _sender.PeerLeft(peer);
    }

    private void Wake()
    {
        try { _ = _wake.Ring(); }
        catch (ObjectDisposedException) { }   // the loop has ended, and told everybody
    }

    private static void Validate(MailboxEndpointOptions options)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
    }

    private void CheckLength(ReadOnlySpan<byte> message)
    {
        if (message.Length < 1 || message.Length > MaxMessage)
            throw new ArgumentOutOfRangeException(nameof(message), message.Length, $"A message of {message.Length} bytes cannot be sent; this mailbox takes 1 to {MaxMessage}.");
    }
}
