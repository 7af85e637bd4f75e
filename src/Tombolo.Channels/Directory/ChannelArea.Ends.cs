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

    /// <summary>Takes the receiving end of a fan-in.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public FanInConsumer OpenFanIn(string name, EndOptions? options = null) =>
        Open(name, options, isHub: true, static (seat, options) => new FanInConsumer(seat, options), ChannelKind.FanIn);

    /// <summary>Takes the server's end of a request channel.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public RequestServer OpenServer(string name, EndOptions? options = null) =>
        Open(name, options, isHub: true, static (seat, options) => new RequestServer(seat, options), ChannelKind.Request);

    /// <summary>Takes a client's end of a request channel.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public RequestClient OpenClient(string name, EndOptions? options = null) =>
        Open(name, options, isHub: false, static (seat, options) => new RequestClient(seat, options), ChannelKind.Request);

    /// <summary>Takes the listener's end of a stream.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public ChannelStream OpenListener(string name, EndOptions? options = null) => OpenStream(name, options, isHub: true);

    /// <summary>Takes the caller's end of a stream.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public ChannelStream OpenCaller(string name, EndOptions? options = null) => OpenStream(name, options, isHub: false);

    /// <summary>Takes the sending end of a broadcast.</summary>
    /// <inheritdoc cref="OpenProducer"/>
    public Publisher OpenPublisher(string name, EndOptions? options = null) =>
        Open(name, options, isHub: true, static (seat, options) => new Publisher(seat, options), ChannelKind.Broadcast);

    /// <summary>Takes a receiving end of a broadcast. It gets what is published from now on.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="policy">What happens when it is slower than the publisher.</param>
    /// <param name="resumes">Whether to go on where a subscriber of the same policy that died had come to, if there is one.</param>
    /// <param name="options">How it waits; null for the defaults.</param>
    /// <inheritdoc cref="OpenProducer"/>
    public Subscriber OpenSubscriber(string name, SubscriberPolicy policy = SubscriberPolicy.Block, bool resumes = false, EndOptions? options = null)
    {
        if (resumes && TryResume(name, policy, options) is { } successor) return successor;
        return Open(name, options, isHub: false, (seat, options) => new Subscriber(seat, options, policy, resumes: false), ChannelKind.Broadcast);
    }

    private Subscriber? TryResume(string name, SubscriberPolicy policy, EndOptions? options)
    {
        try
        {
            return Open(name, options, isHub: false, (seat, options) => new Subscriber(seat, options, policy, resumes: true),
                end => end.Owner.ReadAcquire() != 0 && end.Policy.ReadAcquire() == (uint)policy, ChannelKind.Broadcast);
        }
        catch (ChannelException exception) when (exception.Fault == ChannelFault.EndTaken) { return null; }
    }

    private TEnd Open<TEnd>(string name, EndOptions? options, bool isHub, Func<EndSeat, EndOptions, TEnd> make, params ChannelKind[] kinds) where TEnd : ChannelEnd =>
        Open(name, options, isHub, make, static _ => true, kinds);

    private TEnd Open<TEnd>(string name, EndOptions? options, bool isHub, Func<EndSeat, EndOptions, TEnd> make, Func<EndWords, bool> suits, params ChannelKind[] kinds) where TEnd : ChannelEnd
    {
        options ??= EndOptions.Default;
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        return Locked(() =>
        {
            EndSeat seat = Take(name, isHub, suits, kinds);
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

    private EndSeat Take(string name, bool isHub, Func<EndWords, bool> suits, ChannelKind[] kinds)
    {
        (DirectoryEntry entry, ChannelHeader header) = FindFor(name, isHub, kinds);
        int first = isHub ? EndSeat.Hub : 1, last = isHub ? EndSeat.Hub : (int)header.Spokes;
        PartyId holder = default;
        for (int index = first; index <= last; index++)
            if (suits(EndOf(entry, index)) && TryTake(EndOf(entry, index), out holder) is { } epoch)
                return SeatOf(name, entry, header, index, epoch);
        throw first == last ? Taken(name, holder) : new ChannelException(ChannelFault.EndTaken, $"All {last} ends of this sort of channel '{name}' are held by parties that live.");
    }

    private (DirectoryEntry Entry, ChannelHeader Header) FindFor(string name, bool isHub, ChannelKind[] kinds)
    {
        if (_table.Find(name, out DirectoryEntry entry) < 0)
            throw new ChannelException(ChannelFault.NotFound, $"There is no channel '{name}' in this area.");
        ChannelHeader header = _table.HeaderOf(entry);
        if (!kinds.Contains(header.Kind))
            throw new ChannelException(ChannelFault.WrongKind, $"Channel '{name}' is a {header.Kind}; this end belongs to a {string.Join(" or a ", kinds)}.");
        if (!Party.IsCovered(isHub ? entry.HubRight : entry.SpokeRight))
            throw new ChannelException(ChannelFault.NotAllowed, $"This end of channel '{name}' is for {(isHub ? entry.HubRight : entry.SpokeRight)} only.");
        return (entry, header);
    }

    private EndSeat SeatOf(string name, in DirectoryEntry entry, ChannelHeader header, int index, uint epoch) => new(this, name, header, _options.OffsetBytes + (long)entry.Offset, index, epoch);

    private ChannelException Taken(string name, PartyId holder) =>
        new(ChannelFault.EndTaken, $"This end of channel '{name}' is held by {holder}{(holder == Party.Id ? " (this one)" : "")}, which lives.");

    private ChannelStream OpenStream(string name, EndOptions? options, bool isHub)
    {
        options ??= EndOptions.Default;
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        (int reading, int writing, int readRing, int writeRing) = isHub ? (0, 3, 0, 1) : (2, 1, 1, 0);
        return Locked(() =>
        {
            (DirectoryEntry entry, ChannelHeader header) = FindFor(name, isHub, [ChannelKind.Stream]);
            if (TryTake(EndOf(entry, reading), out PartyId holder) is not { } readEpoch) throw Taken(name, holder);
            EndSeat readSeat = SeatOf(name, entry, header, reading, readEpoch);
            try
            {
                var input = new ByteConsumer(readSeat, options, readRing, PartnerOf(reading));
                if (TryTake(EndOf(entry, writing), out holder) is not { } writeEpoch) throw Taken(name, holder);
                var output = new ByteProducer(SeatOf(name, entry, header, writing, writeEpoch), options, writeRing, PartnerOf(writing));
                input.Begin();
                output.Begin();
                lock (_lock) _ = (_ends.Add(input), _ends.Add(output));
                _tookEnds = true;
                return new ChannelStream(input, output);
            }
            catch (Exception exception) when (exception is Wire.ProtocolException or ChannelException)
            {
                _ = EndOf(entry, reading).Owner.CompareExchange(0, Party.Id.Value);
                _ = EndOf(entry, writing).Owner.CompareExchange(0, Party.Id.Value);
                throw;
            }
        });
    }

    // Ring 0: end 1 writes, end 0 reads. Ring 1: end 3 writes, end 2 reads.
    private static int PartnerOf(int end) => end ^ 1;

    // Under the directory's lock. Killed between the steps, it leaves an end that names a dead party: the next one takes it.
    private uint? TryTake(EndWords end, out PartyId holder)
    {
        ulong owner = end.Owner.ReadAcquire();
        holder = new(owner);
        if (owner != 0 && (holder == Party.Id || Party.IsAlive(holder))) return null;
        Step.Before("owner");
        if (end.Owner.CompareExchange(Party.Id.Value, owner) != owner) return null;
        Step.Before("state vacant");
        end.State.WriteRelease(ChannelLayout.Vacant);   // until Begin: whoever waits for a successor's first word does not take a half-opened end for it
        uint epoch = end.Epoch.ReadAcquire() + 1;
        Step.Before("epoch");
        end.Epoch.WriteRelease(epoch);
        return epoch;
    }
}
