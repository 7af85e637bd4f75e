// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

// Taking ends.
public sealed partial class ChannelArea
{
    /// <summary>Takes the sending end of a ring, or a sending end of a fan-in.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="options">How it waits; null for the defaults.</param>
    /// <returns>The end; it goes on where a dead predecessor was. Dispose it to close it.</returns>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    /// <exception cref="ChannelException">There is no such channel, it is of another kind, its rights give the end to others, or living parties hold every such end.</exception>
    /// <exception cref="Tombolo.Wire.ProtocolException">The channel is damaged.</exception>
    public RingProducer OpenProducer(string name, EndOptions? options = null) =>
        Open(name, options, isHub: false, static (seat, options) => new RingProducer(seat, options), ChannelKind.Ring, ChannelKind.FanIn);

    /// <summary>Takes the receiving end of a ring.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public RingConsumer OpenConsumer(string name, EndOptions? options = null) =>
        Open(name, options, isHub: true, static (seat, options) => new RingConsumer(seat, options), ChannelKind.Ring);

    private TEnd Open<TEnd>(string name, EndOptions? options, bool isHub, Func<EndSeat, EndOptions, TEnd> make, params ChannelKind[] kinds) where TEnd : ChannelEnd
    {
        options ??= EndOptions.Default;
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        return Locked(() =>
        {
            EndSeat seat = Take(name, isHub, kinds);
            TEnd end;
            try { end = make(seat, options); }
            catch (Wire.ProtocolException)
            {
                _ = seat.End(seat.Index).Owner.CompareExchange(0, Party.Id.Value);
                throw;
            }
            end.Begin();
            lock (_lock)
            {
                _ = _ends.Add(end);
                _tookEnds = true;
            }
            return end;
        });
    }

    private EndSeat Take(string name, bool isHub, ChannelKind[] kinds)
    {
        if (_table.Find(name, out DirectoryEntry entry) < 0)
            throw new ChannelException(ChannelFault.NotFound, $"There is no channel '{name}' in this area.");
        ChannelHeader header = _table.HeaderOf(entry);
        if (!kinds.Contains(header.Kind))
            throw new ChannelException(ChannelFault.WrongKind, $"Channel '{name}' is a {header.Kind}; this end belongs to a {string.Join(" or a ", kinds)}.");
        if (!Party.IsCovered(isHub ? entry.HubRight : entry.SpokeRight))
            throw new ChannelException(ChannelFault.NotAllowed, $"This end of channel '{name}' is for {(isHub ? entry.HubRight : entry.SpokeRight)} only.");
        int first = isHub ? EndSeat.Hub : 1, last = isHub ? EndSeat.Hub : (int)header.Spokes;
        PartyId holder = default;
        for (int index = first; index <= last; index++)
            if (TryTake(EndOf(entry, index), out holder) is { } epoch)
                return new(this, name, header, _options.OffsetBytes + (long)entry.Offset, index, epoch);
        throw new ChannelException(ChannelFault.EndTaken, first == last
            ? $"This end of channel '{name}' is held by {holder}{(holder == Party.Id ? " (this one)" : "")}, which lives."
            : $"All {last} ends of this sort of channel '{name}' are held by parties that live.");
    }

    // Under the directory's lock. Killed between the steps, it leaves an end that names a dead party: the next one takes it.
    private uint? TryTake(EndWords end, out PartyId holder)
    {
        ulong owner = end.Owner.ReadAcquire();
        holder = new(owner);
        if (owner != 0 && (holder == Party.Id || Party.IsAlive(holder))) return null;
        Step.Before("owner");
        if (end.Owner.CompareExchange(Party.Id.Value, owner) != owner) return null;
        uint epoch = end.Epoch.ReadAcquire() + 1;
        Step.Before("epoch");
        end.Epoch.WriteRelease(epoch);
        return epoch;
    }
}
