// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>One party's standing in shared memory: who it is, how it sleeps, how it wakes others, and who else lives. Rings know none of it; ends get it from here.</summary>
/// <remarks>
/// Sleeping is done on a word of the window, as with a futex: "sleep as long as the word holds this value". Whoever wants the sleeper awake changes the word and calls
/// <see cref="Wake"/>. Every sleep may end for no reason; the caller looks again. Thread-safe.
/// </remarks>
public interface IParty : IDisposable
{
    /// <summary>Who this is.</summary>
    PartyId Id { get; }

    /// <summary>Which memory domain this party can judge the life of others in: parties with different ones must not share an area. 0 on a fabric.</summary>
    AreaDomain Domain { get; }

    /// <summary>Binds the party to an area; called once by each area opened with it, before anything else, under the directory's lock.</summary>
    /// <param name="parties">The area's table of parties; a party that others reach by it takes a place there.</param>
    void Join(PartyTable parties);

    /// <summary>Unbinds it; called once by each area before its memory goes. Nothing of it is touched afterwards.</summary>
    /// <param name="parties">What <see cref="Join"/> was called with.</param>
    void Leave(PartyTable parties);

    /// <summary>Whether the memory may not be touched any more (a guest's device that was unplugged).</summary>
    bool IsGone => false;

    /// <summary>Shows a table of parties before a place in it is taken, so that lives can be judged by it.</summary>
    /// <param name="parties">What <see cref="Join"/> and <see cref="Leave"/> will be called with, or its like.</param>
    void Meet(PartyTable parties) { }

    /// <summary>As <see cref="IsAlive"/>, for somebody who need not have taken a place yet: whoever holds a directory's lock.</summary>
    /// <param name="party">Any word that another party may have written.</param>
    bool IsAliveOrNew(PartyId party) => IsAlive(party);

    /// <summary>Whether a party lives. Nobody, and what cannot be a party, does not.</summary>
    /// <param name="party">Any word that another party may have written.</param>
    bool IsAlive(PartyId party);

    /// <summary>Whether a channel's right covers this party.</summary>
    /// <param name="right">A user ID on a host, a peer ID on a fabric; <see cref="ChannelRights.Anybody"/>.</param>
    bool IsCovered(uint right);

    /// <summary>Asks to be told of a party's death.</summary>
    /// <param name="party">Whose.</param>
    /// <param name="died">Called once, on a thread of the party's, and soon: it must not block, nor ask anything of the party but <see cref="Wake"/>.</param>
    /// <returns>Dispose it to be told no longer: when that returns, nothing is being told either. Null where the party is dead already.</returns>
    IDisposable? Watch(PartyId party, Action died);

    /// <summary>Sleeps while a word holds a value.</summary>
    /// <param name="word">A word of the window.</param>
    /// <param name="value">Sleep only while it holds this.</param>
    /// <param name="timeout">How long at the most.</param>
    void Sleep(SharedWord32 word, uint value, TimeSpan timeout);

    /// <summary>As <see cref="Sleep"/>, without a thread.</summary>
    /// <inheritdoc cref="Sleep"/>
    ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout);

    /// <summary>Wakes a party that sleeps on a word, which the caller has changed.</summary>
    /// <param name="party">Whom.</param>
    /// <param name="word">Where.</param>
    void Wake(PartyId party, SharedWord32 word);

    /// <summary>Makes the odd word of a sleeper even, and wakes it. Between processes of a host that is one step, which a death cannot divide.</summary>
    /// <param name="party">Whom.</param>
    /// <param name="word">Where.</param>
    /// <param name="asleep">What the word held.</param>
    /// <returns>False where it holds something else by now: another one has woken the sleeper, or it woke by itself.</returns>
    bool WakeSleeper(PartyId party, SharedWord32 word, uint asleep)
    {
        Step.Before("wait word even");
        if (word.CompareExchange(asleep + 1, asleep) != asleep) return false;
        Step.Before("ring");
        Wake(party, word);
        return true;
    }
}
