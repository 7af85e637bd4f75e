// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Mailbox;

/// <summary>A whole mailbox fabric: the doorbell server, the mailbox in its memory, and the server's own part.</summary>
/// <remarks>
/// A client gets nothing of its handshake before the mailbox is set up. When it leaves, its slot is vacated before its ID can be given again. A message that waits for a dead receiver
/// is left to its sender's timeout: freeing the slot would tell the sender that it was taken.
/// </remarks>
public sealed class MailboxFabric : IAsyncDisposable
{
    private readonly Lock _gate = new();   // guards _isDisposed, and keeps the memory there while a snapshot reads it
    private readonly MailboxOptions _options;
    private readonly DoorbellServer _server;
    private readonly MailboxSlots _slots;
    private readonly MailboxServerPart? _part;
    private bool _isDisposed;

    private MailboxFabric(MailboxOptions options, DoorbellServer server, Observer observer)
    {
        (_options, _server) = (options, server);
        _slots = new(server.Window, options.Geometry);
        _slots.Format(clear: !server.TookOver);
        _part = server.Resident is { } resident ? MailboxServerPart.Start(resident, options.IsManager, options.Trace, options.Time) : null;
        observer.Open(_slots, _part);
    }

    /// <summary>The doorbell server below.</summary>
    public DoorbellServer Server => _server;

    /// <summary>The server's own part; null where it is silent.</summary>
    public MailboxServerPart? Part => _part;

    /// <summary>The mailbox's sizes.</summary>
    public MailboxGeometry Geometry => _slots.Geometry;

    /// <summary>Ends when the doorbell server does.</summary>
    public Task Completion => _server.Completion;

    /// <summary>Starts a fabric.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="log">Where the doorbell server says what it does; or null.</param>
    /// <returns>The running fabric: clients can connect.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="IvshmemException">A living server is there already, or the settings cannot fit.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static async Task<MailboxFabric> StartAsync(MailboxOptions options, ILogger? log = null)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        var observer = new Observer();
        DoorbellServer server = DoorbellServer.Start(options.ServerOptions, observer, log);
        try { return new(options, server, observer); }
        catch
        {
            observer.Open(null, null);
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the fabric's state is now.</summary>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    public async Task<MailboxSnapshot> SnapshotAsync()
    {
        DoorbellSnapshot doorbell = await _server.SnapshotAsync();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return Describe(doorbell);
        }
    }

    /// <summary>Stops in order. Clients keep their memory and doorbells.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }
        if (_part is not null) await _part.DisposeAsync();
        await _server.DisposeAsync();
    }

    private MailboxSnapshot Describe(DoorbellSnapshot doorbell) => new(
        Geometry, _options.IsSilent, _part?.ClassText ?? "", _part?.Address ?? default, _part?.Endpoint.Counters ?? default, [.. doorbell.Peers.Select(ToMember)], doorbell);

    private MailboxMember ToMember(PeerSnapshot peer)
    {
        (string attributes, SidCid address, long received, long sent) = _part?.KnownOf(peer.Id) ?? default;
        SidCid shown = _slots.AddressOf(peer.Id);
        return new(peer.Id, _slots.NameOf(peer.Id), shown.IsAssigned ? shown : address, attributes ?? "", peer.Who.ProcessId, received, sent, _slots.LengthOf(peer.Id));
    }

    // Called on the doorbell server's loop, which may start before the mailbox is set up: the first call waits for that, a matter of microseconds.
    private sealed class Observer : IDoorbellObserver
    {
        private readonly TaskCompletionSource _isOpen = new();
        private MailboxSlots? _slots;
        private MailboxServerPart? _part;

        public void Open(MailboxSlots? slots, MailboxServerPart? part)
        {
            (_slots, _part) = (slots, part);
            _isOpen.SetResult();
        }

        public void Joining(PeerId id, PeerCredentials who) => _isOpen.Task.Wait();

        public void Joined(PeerId id)
        {
            _isOpen.Task.Wait();
            _part?.PeerJoined(id);
        }

        public void Kept(PeerId id, PeerCredentials who) => Joined(id);

        public void Left(PeerId id)
        {
            _isOpen.Task.Wait();
            _slots?.Vacate(id);
            _part?.PeerLeft(id);
        }
    }
}
