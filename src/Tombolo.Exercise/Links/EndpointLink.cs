// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Exercise;

/// <summary>The mailbox of this library as a way in: on a host through the fabric's socket, in a guest through its window device where the driver's own mailbox is not loaded.</summary>
internal sealed class EndpointLink : IExerciseLink
{
    private readonly MailboxEndpoint _endpoint;
    private readonly ManualResetEventSlim _isListening = new();
    private volatile MessageArrived? _arrived;

    private EndpointLink(string name, string nodeName, TimeSpan timeout, Func<MailboxEndpointOptions, MailboxEndpoint> join)
    {
        Name = name;
        _endpoint = join(new()
        {
            Name = nodeName,
            ClassText = "Tombolo exerciser",
            SendTimeout = timeout,
            Handler = (from, message) =>
            {
                _isListening.Wait();   // whoever waits for our name sends as soon as it shows
                _arrived?.Invoke(new(from.Value, 0), message);
            },
        });
    }

    /// <summary>Joins through a socket.</summary>
    public static EndpointLink OfSocket(string path, string nodeName, TimeSpan timeout) =>
        new(path, nodeName, timeout, options => MailboxEndpoint.Connect(new() { SocketPath = path }, options));

    /// <summary>Joins through a guest's device.</summary>
    public static EndpointLink OfGuest(string device, string nodeName, TimeSpan timeout) =>
        new(device, nodeName, timeout, options => MailboxEndpoint.Start(GuestParticipant.Open(new() { Device = device }), options, ownsParticipant: true));

    public string Name { get; }
    public int MaxMessage => _endpoint.MaxMessage;
    public Task<string?> Broken => _endpoint.Completion.ContinueWith(static ended => ended.Exception?.InnerException?.Message, TaskScheduler.Default);

    public IReadOnlyList<Neighbour> Neighbours() =>
        [.. _endpoint.Who().Where(peer => peer.Id != _endpoint.Id).Select(peer => new Neighbour(new(peer.Id.Value, 0), peer.Id.Value, peer.Name, peer.Id == _endpoint.Geometry.ServerId))];

    public void Listen(MessageArrived arrived)
    {
        _arrived = arrived;
        _isListening.Set();
    }

    public Outcome Send(Correspondent to, ReadOnlySpan<byte> message)
    {
        if (to.Sid != 0 || to.Cid > ushort.MaxValue) return Outcome.Unreachable;
        ValueTask<SendResult> sending = _endpoint.SendAsync(new PeerId((ushort)to.Cid), message);
        SendResult result = sending.IsCompleted ? sending.GetAwaiter().GetResult() : sending.AsTask().GetAwaiter().GetResult();
        return result switch { SendResult.Delivered => Outcome.Delivered, SendResult.TimedOut => Outcome.TimedOut, _ => Outcome.Unreachable };
    }

    public void Answer(Correspondent to, ReadOnlySpan<byte> message) => _endpoint.Post(new PeerId((ushort)to.Cid), message);

    public async ValueTask DisposeAsync()
    {
        _isListening.Set();
        await _endpoint.DisposeAsync();
        _isListening.Dispose();
    }
}
