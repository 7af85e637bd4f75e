// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>One peer's standing on a doorbell fabric: who it is, what memory it shares, how it hears and rings. A client has one by its connection, the server's own part by birth, a guest by its device.</summary>
/// <remarks>
/// <see cref="Ring"/> may be called from any thread. Everything else belongs to the one loop that watches <see cref="Control"/>.
/// Descriptors and window belong to the participant; borrow them.
/// </remarks>
public interface IParticipant : IDisposable
{
    /// <summary>This peer's own number.</summary>
    PeerId Id { get; }

    /// <summary>The shared memory.</summary>
    Window Window { get; }

    /// <summary>The eventfds on which this peer hears, one per vector, in vector order.</summary>
    IReadOnlyList<SafeFd> Vectors { get; }

    /// <summary>Becomes readable when <see cref="ProcessControl"/> has something to do.</summary>
    SafeFd Control { get; }

    /// <summary>
    /// Whether <see cref="Peers"/>, <see cref="Joined"/> and <see cref="Left"/> say who is there. A guest is not told: there they stay empty and silent, <see cref="Ring"/> takes any ID, and who takes
    /// part has to be read from the memory.
    /// </summary>
    bool KnowsPeers => true;

    /// <summary>The other peers that can be rung, in ascending order.</summary>
    IReadOnlyList<PeerId> Peers { get; }

    /// <summary>Somebody joined; raised by <see cref="ProcessControl"/> once all of the newcomer's vectors are known.</summary>
    event Action<PeerId>? Joined;

    /// <summary>Somebody left; raised by <see cref="ProcessControl"/>. Sticky fabrics tell nobody (their slots never leave).</summary>
    event Action<PeerId>? Left;

    /// <summary>Takes in what the server said, without waiting.</summary>
    /// <returns>
    /// False once the server is gone: memory and doorbells go on working, news of others no longer comes. Stop watching <see cref="Control"/> then.
    /// In a guest: once the device is gone, and then the window must not be touched any more (see <see cref="GuestParticipant"/>).
    /// </returns>
    /// <exception cref="Tombolo.Wire.ProtocolException">The server broke the protocol; the participant is as after a false.</exception>
    bool ProcessControl();

    /// <summary>Rings a peer's doorbell.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="vector">Which of its vectors.</param>
    /// <returns>False where there is no such peer or vector; nothing was rung. A guest cannot know, and says true.</returns>
    bool Ring(PeerId peer, int vector);
}
