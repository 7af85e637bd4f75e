// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Channels;

/// <summary>What a <see cref="FabricParty"/> needs of the ground it stands on: one own doorbell, everybody else's, and news. A doorbell fabric is one; a guest's window device is another.</summary>
/// <remarks><see cref="Ring"/> and <see cref="IsPresent"/> may be called from any thread; the rest belongs to the party's loop.</remarks>
public interface IChannelFabric : IDisposable
{
    /// <summary>The own number: 0 to <see cref="PartyId.MaxNumber"/>.</summary>
    int Self { get; }

    /// <summary>Whether other programs stand under the own number, so that only a heartbeat tells whether one of them lives.</summary>
    bool SharesSelf => false;

    /// <summary>Whether the ground is gone, as <see cref="Take"/> learned: its memory must not be touched any more.</summary>
    bool IsGone => false;

    /// <summary>The own vector that others shall ring for channels.</summary>
    int Vector { get; }

    /// <summary>Becomes readable when somebody rang or there is news. Borrowed.</summary>
    SafeFd Descriptor { get; }

    /// <summary>Takes rings and news, without waiting, so that <see cref="Descriptor"/> is readable no longer.</summary>
    void Take();

    /// <summary>Rings a peer's doorbell.</summary>
    /// <param name="peer">Its number; another party may have written it.</param>
    /// <param name="vector">Its vector; another party may have written it.</param>
    /// <returns>False where there is no such peer or vector; nothing was rung.</returns>
    bool Ring(int peer, int vector);

    /// <summary>Whether a peer is there.</summary>
    /// <param name="peer">Its number.</param>
    /// <returns>False where it is known to be gone; null where nobody can tell, so that its heartbeat has to.</returns>
    bool? IsPresent(int peer);
}
