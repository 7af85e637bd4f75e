// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Mailbox;

namespace Tombolo.Cli.Client;

/// <summary>A client's standing in a mailbox, on an endpoint of its own.</summary>
/// <remarks>
/// One task takes what comes: answers to this client's pings go to who waits for them, everything else to <see cref="Messages"/>. What the endpoint answers by itself (pings, the fabric's
/// questions) is shown only on request. A message to oneself never leaves the program: a slot has one reader, and it is not its owner.
/// </remarks>
internal sealed class MailboxSession : IMailboxSession, IAsyncDisposable
{
    private readonly MailboxEndpoint _endpoint;
    private readonly TimeProvider _time;
    private readonly Channel<Received> _messages = Channel.CreateBounded<Received>(1024);
    private readonly ConcurrentDictionary<ulong, (int From, TaskCompletionSource Answered)> _pings = new();
    private readonly Task _pump;
    private ulong _tracker;

    private MailboxSession(IvshmemClientOptions fabric, MailboxEndpointOptions options)
    {
        _time = options.Time;
        _endpoint = MailboxEndpoint.Connect(fabric, options with { Trace = Watch });
        _pump = PumpAsync();
    }

    /// <summary>Joins.</summary>
    /// <param name="socketPath">The mailbox's socket.</param>
    /// <param name="name">The node name, or null for the usual one.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="CommandException">The name cannot be.</exception>
    /// <exception cref="TomboloException">There is no server, it refuses, or its memory holds no mailbox.</exception>
    public static MailboxSession Join(string socketPath, string? name, TimeProvider time)
    {
        MailboxEndpointOptions options = new() { Time = time };
        if (name is not null) options = options with { Name = name };
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new CommandException(string.Join(' ', problems), ExitCode.WrongUse);
        try { return new(new() { SocketPath = socketPath, Time = time }, options); }
        catch (LinuxException exception) when (exception.Errno is Errno.NoEntry or Errno.ConnectionRefused)
        {
            throw new CommandException($"No mailbox server listens at {socketPath}; start one with 'tombolo up'");
        }
    }

    /// <summary>What comes, until this client leaves.</summary>
    public ChannelReader<Received> Messages => _messages.Reader;

    public bool ShowsFabric { get; set; }

    public int OwnId => _endpoint.Id.Value;

    public int? ServerId => _endpoint.Participant.Peers.Contains(_endpoint.Geometry.ServerId) ? _endpoint.Geometry.ServerId.Value : null;

    public IReadOnlyList<Participant> Participants() =>
    [
        .. _endpoint.Who().Select(peer => new Participant(peer.Id.Value, peer.Name, peer.Id == _endpoint.Id, peer.Id == _endpoint.Geometry.ServerId,
            peer.Address.IsAssigned ? peer.Address.Sid : null, peer.Address.IsAssigned ? peer.Address.Cid : null, peer.Attributes.Length > 0 ? peer.Attributes : null)),
    ];

    public async Task SendAsync(int destination, string text, CancellationToken stop)
    {
        byte[] bytes = Encode(text);
        if (destination == OwnId)
        {
            await _messages.Writer.WriteAsync(new(OwnId, NameOf(OwnId), text), stop);
            return;
        }
        SendResult result = await _endpoint.SendAsync(Peer(destination), bytes).AsTask().WaitAsync(stop);
        if (result != SendResult.Delivered) throw new CommandException(Explain(result, destination));
    }

    public async Task<TimeSpan?> PingAsync(int destination, TimeSpan timeout, CancellationToken stop)
    {
        if (destination == OwnId) return TimeSpan.Zero;
        ulong tracker = Interlocked.Add(ref _tracker, 2);   // the answer carries the next one
        TaskCompletionSource answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _pings[tracker + 1] = (destination, answered);
        try
        {
            long start = _time.GetTimestamp();
            SendResult result = await _endpoint.SendAsync(Peer(destination), (FabricMessage.Ping with { Tracker = tracker }).ToBytes(), timeout).AsTask().WaitAsync(stop);
            if (result == SendResult.TimedOut) return null;
            if (result != SendResult.Delivered) throw new CommandException(Explain(result, destination));
            TimeSpan left = timeout - _time.GetElapsedTime(start);
            await answered.Task.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time, stop);
            return _time.GetElapsedTime(start);
        }
        catch (TimeoutException) { return null; }
        finally { _ = _pings.TryRemove(tracker + 1, out _); }
    }

    public bool Interrupt(int destination, int source, string? text) =>
        destination <= IvshmemMessage.MaxId && source <= IvshmemMessage.MaxId && _endpoint.Forge(Peer(destination), Peer(source), text is null ? [] : Encode(text));

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        _ = _messages.Writer.TryComplete();   // nobody may read any longer, and the pump must not wait for room
        await _pump;
    }

    private async Task PumpAsync()
    {
        try
        {
            while (await _endpoint.ReceiveAsync() is { } message)
            {
                FabricMessage? fabric = FabricMessage.Parse(message.Bytes.Span);
                if (fabric?.Word == FabricWord.Pong && Settle(message.From, fabric.Tracker)) continue;
                await _messages.Writer.WriteAsync(new(message.From.Value, NameOf(message.From.Value), message.Text));
            }
            _ = _messages.Writer.TryComplete();
        }
        catch (ChannelClosedException) { }   // this client leaves
    }

    // A peer that does not know of trackers answers with a bare pong: it counts for the oldest ping that waits for that peer.
    private bool Settle(PeerId from, ulong? tracker)
    {
        ulong? which = tracker ?? _pings.Where(ping => ping.Value.From == from.Value).Select(ping => (ulong?)ping.Key).Min();
        return which is { } key && _pings.TryGetValue(key, out (int From, TaskCompletionSource Answered) waiting) && waiting.From == from.Value && waiting.Answered.TrySetResult();
    }

    // On whichever thread moved the message: nothing here may wait.
    private void Watch(bool isSent, PeerId peer, ReadOnlySpan<byte> message)
    {
        if (isSent || !ShowsFabric) return;
        if (FabricMessage.Parse(message)?.Word is FabricWord.AttributeQuery or FabricWord.Attributes or FabricWord.Refusal or FabricWord.Assignment or FabricWord.Ping)
            _ = _messages.Writer.TryWrite(new(peer.Value, "", Encoding.UTF8.GetString(message)));
    }

    private string NameOf(int id)
    {
        try { return _endpoint.Who().FirstOrDefault(peer => peer.Id.Value == id)?.Name ?? ""; }
        catch (ObjectDisposedException) { return ""; }   // it ends in this moment
    }

    private byte[] Encode(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length >= 1 && bytes.Length <= _endpoint.MaxMessage ? bytes
            : throw new CommandException($"The message is {bytes.Length} bytes long; this mailbox takes 1 to {_endpoint.MaxMessage}");
    }

    private static PeerId Peer(int id) => new(checked((ushort)id));

    private string Explain(SendResult result, int destination) => result switch
    {
        SendResult.TimedOut when NameOf(destination).Length == 0 => $"Nobody took the message to {destination}, where no name is shown; it was withdrawn",
        SendResult.TimedOut => $"{Destination.Label(destination, NameOf(destination))} did not take the message in time; it was withdrawn",
        SendResult.NoSuchPeer => $"There is no peer {destination}",
        _ => "This client has left the mailbox",
    };
}
