// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>A place in an area's table of parties.</summary>
/// <param name="Id">Whose it is; nobody: free.</param>
/// <param name="Beat">Counts up as long as its owner lives.</param>
/// <param name="Vector">Which of its owner's vectors to ring.</param>
public readonly record struct PartyPlace(PartyId Id, ulong Beat, uint Vector);

/// <summary>The parties of an area that are reached by doorbell: which vector to ring, and a heartbeat. Processes of one host do not need it.</summary>
/// <remarks>A place is taken and given up by one compare-and-exchange of its identity, so a party that dies at any step leaves a place that says whose it was. Thread-safe.</remarks>
public sealed class PartyTable
{
    private readonly Window _window;
    private readonly long _offset;

    internal PartyTable(Window window, long offsetBytes, int count) => (_window, _offset, Count) = (window, offsetBytes, count);

    /// <summary>How many places there are.</summary>
    public int Count { get; }

    /// <summary>Reads a place, each word once.</summary>
    /// <param name="index">0 to <see cref="Count"/> − 1.</param>
    public PartyPlace this[int index] => new(new(Word(index, AreaLayout.PartyIdAt).ReadAcquire()), Word(index, AreaLayout.BeatAt).ReadAcquire(), Vector(index).ReadAcquire());

    /// <summary>Takes a place.</summary>
    /// <param name="self">Who takes it.</param>
    /// <param name="vector">Its vector.</param>
    /// <param name="isAlive">Whether a place's owner lives; a dead one's place may be taken.</param>
    /// <returns>Its index.</returns>
    /// <exception cref="ChannelException">All places belong to living parties.</exception>
    public int Take(PartyId self, uint vector, Func<PartyId, bool> isAlive)
    {
        for (int index = 0; index < Count; index++)
        {
            SharedWord64 id = Word(index, AreaLayout.PartyIdAt);
            ulong owner = id.ReadAcquire();
            if (owner != 0 && owner != self.Value && isAlive(new(owner))) continue;
            // The vector comes first: whoever sees the new owner must find its vector. A place whose new owner dies in between still names the dead one.
            Step.Before("party vector");
            Vector(index).WriteRelease(vector);
            Step.Before("party id");
            if (id.CompareExchange(self.Value, owner) == owner) return index;
        }
        throw new ChannelException(ChannelFault.AreaFull, $"All {Count} places of this area's table of parties belong to parties that live; make the area with more of them.");
    }

    /// <summary>Counts the own heartbeat up.</summary>
    /// <param name="index">The own place.</param>
    public void Beat(int index) => Word(index, AreaLayout.BeatAt).Add(1);

    /// <summary>Gives the own place up.</summary>
    /// <param name="index">The own place.</param>
    /// <param name="self">Who gives it up; where somebody else took it meanwhile, nothing is done.</param>
    public void GiveUp(int index, PartyId self) => _ = Word(index, AreaLayout.PartyIdAt).CompareExchange(0, self.Value);

    private SharedWord64 Word(int index, int at) => _window.Word64(Place(index) + at);

    private SharedWord32 Vector(int index) => _window.Word32(Place(index) + AreaLayout.VectorAt);

    private long Place(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _offset + ((long)index * AreaLayout.PartyBytes);
    }
}

/// <summary>In which world the identities of an area's parties mean something.</summary>
/// <param name="Boot">The host's boot; 0 on a fabric.</param>
/// <param name="Namespace">The PID namespace; 0 on a fabric.</param>
public readonly record struct AreaDomain(ulong Boot, ulong Namespace);
