// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>A doorbell fabric as ground for channels: rings go by peer and vector, and the server tells who left.</summary>
/// <remarks>The participant's control belongs to this object from now on. A participant that also serves a mailbox cannot be shared: give channels a connection of their own.</remarks>
public sealed class IvshmemFabric : IChannelFabric
{
    private const ulong VectorToken = 0, ControlToken = 1;

    private readonly IParticipant _participant;
    private readonly bool _ownsParticipant;
    private readonly Epoll _epoll = new();
    private volatile bool _hasServer = true, _isGone;

    /// <summary>Stands on a fabric.</summary>
    /// <param name="participant">The standing.</param>
    /// <param name="vector">Which own vector others shall ring for channels. Default 0, which a mailbox never uses.</param>
    /// <param name="ownsParticipant">Whether to dispose it at the end.</param>
    /// <exception cref="ArgumentOutOfRangeException">The participant has no such vector.</exception>
    public IvshmemFabric(IParticipant participant, int vector = 0, bool ownsParticipant = false)
    {
        if ((uint)vector >= (uint)participant.Vectors.Count)
            throw new ArgumentOutOfRangeException(nameof(vector), vector, $"Peer {participant.Id} has {participant.Vectors.Count} vectors.");
        (_participant, Vector, _ownsParticipant) = (participant, vector, ownsParticipant);
        _epoll.Add(participant.Vectors[vector], EpollEvents.Readable, VectorToken);
        _epoll.Add(participant.Control, EpollEvents.Readable, ControlToken);
    }

    /// <inheritdoc/>
    public int Self => _participant.Id.Value;

    /// <summary>True in a guest, all of whose programs stand under its ID.</summary>
    public bool SharesSelf => !_participant.KnowsPeers;

    /// <inheritdoc/>
    public bool IsGone => _isGone;

    /// <inheritdoc/>
    public int Vector { get; }

    /// <inheritdoc/>
    public SafeFd Descriptor => _epoll.Descriptor;

    /// <inheritdoc/>
    public void Take()
    {
        Span<EpollReport> reports = stackalloc EpollReport[2];
        int count = _epoll.Wait(reports, TimeSpan.Zero);
        foreach (EpollReport report in reports[..count])
        {
            if (report.Token == VectorToken) _ = EventFd.TryRead(_participant.Vectors[Vector], out _);
            else TakeNews();
        }
    }

    /// <inheritdoc/>
    public bool Ring(int peer, int vector) => peer <= ushort.MaxValue && _participant.Ring(new((ushort)peer), vector);

    /// <inheritdoc/>
    public bool? IsPresent(int peer)
    {
        if (peer == Self) return true;
        if (!_participant.KnowsPeers) return null;   // a guest is not told
        foreach (PeerId id in _participant.Peers)
            if (id.Value == peer) return true;
        return _hasServer ? false : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _epoll.Dispose();
        if (_ownsParticipant) _participant.Dispose();
    }

    private void TakeNews()
    {
        bool stays = false;
        try { stays = _participant.ProcessControl(); }
        catch (ProtocolException) { }   // as when it is gone: memory and doorbells go on
        if (stays) return;
        _hasServer = false;
        _isGone = !_participant.KnowsPeers;   // a guest that hears no news has lost its device, and the memory with it
        _epoll.Remove(_participant.Control);
    }
}
