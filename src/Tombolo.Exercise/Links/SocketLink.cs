// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Exercise;

/// <summary>A host's way in: a client of the fabric's socket.</summary>
internal sealed class SocketLink : IExerciseLink
{
    private readonly MailboxEndpoint _endpoint;
    private volatile MessageArrived? _arrived;

    public SocketLink(string path, string name, TimeSpan timeout)
    {
        Name = path;
        _endpoint = MailboxEndpoint.Connect(new() { SocketPath = path }, new()
        {
            Name = name,
            ClassText = "Tombolo exerciser",
            SendTimeout = timeout,
            Handler = (from, message) => _arrived?.Invoke(new(from.Value, 0), message),
        });
    }

    public string Name { get; }
    public int MaxMessage => _endpoint.MaxMessage;
    public Task<string?> Broken => _endpoint.Completion.ContinueWith(static ended => ended.Exception?.InnerException?.Message, TaskScheduler.Default);

    public IReadOnlyList<Neighbour> Neighbours() =>
        [.. _endpoint.Who().Where(peer => peer.Id != _endpoint.Id).Select(peer => new Neighbour(new(peer.Id.Value, 0), peer.Id.Value, peer.Name, peer.Id == _endpoint.Geometry.ServerId))];

    public void Listen(MessageArrived arrived) => _arrived = arrived;

    public Outcome Send(Correspondent to, ReadOnlySpan<byte> message)
    {
        if (to.Sid != 0 || to.Cid > ushort.MaxValue) return Outcome.Unreachable;
        ValueTask<SendResult> sending = _endpoint.SendAsync(new PeerId((ushort)to.Cid), message);
        SendResult result = sending.IsCompleted ? sending.GetAwaiter().GetResult() : sending.AsTask().GetAwaiter().GetResult();
        return result switch { SendResult.Delivered => Outcome.Delivered, SendResult.TimedOut => Outcome.TimedOut, _ => Outcome.Unreachable };
    }

    public void Answer(Correspondent to, ReadOnlySpan<byte> message) => _endpoint.Post(new PeerId((ushort)to.Cid), message);

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();
}
