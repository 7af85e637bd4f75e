// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>A part of a window where channels have names: they are made, found, listed and removed here, and their ends are taken.</summary>
/// <remarks>
/// Everything here is done under one lock in the window, which names its holder; a party that dies with it is noticed by the next, which clears away what it left half done. Sending and
/// receiving need neither this object nor the lock. Thread-safe. Source: docs/specs/channels.md.
/// </remarks>
public sealed partial class ChannelArea : IDisposable, IAsyncDisposable
{
    private const long MostLookedAt = 64 << 10;
    private readonly ChannelAreaOptions _options;
    private readonly AreaShape _shape;
    private readonly ChannelTable _table;
    private readonly PartyTable _parties;
    private readonly bool _ownsWindow;
    private readonly Action? _closed;
    private readonly Lock _lock = new();   // guards the ends
    private readonly Lock _work = new();   // held while the directory is worked on: the memory stays until then. Guards isDisposed
    private readonly HashSet<ChannelEnd> _ends = [];
    private bool _isDisposed, _tookEnds;

    private ChannelArea(Window window, IParty party, ChannelAreaOptions options, bool ownsWindow, Action? closed)
    {
        (Window, Party, _options, _ownsWindow, _closed) = (window, party, options, ownsWindow, closed);
        _shape = ReadOrFormat();
        _table = new(window, options.OffsetBytes, _shape);
        _parties = PartiesOf(_shape);
        party.Meet(_parties);
        try
        {
            _ = Locked(() =>
            {
                party.Join(_parties);
                return true;
            });
        }
        catch
        {
            party.Leave(_parties);
            throw;
        }
    }

    /// <summary>The memory.</summary>
    internal Window Window { get; }

    /// <summary>The own standing in it.</summary>
    internal IParty Party { get; }

    /// <summary>The area's length in bytes, directory included.</summary>
    public long LengthBytes => _shape.Length;

    /// <summary>How many channels the directory can hold.</summary>
    public int Entries => _shape.Entries;

    /// <summary>Opens the channels in a window, and makes the area first where there is none.</summary>
    /// <param name="window">The memory; writable.</param>
    /// <param name="party">The own standing; it must outlive the area.</param>
    /// <param name="options">Where in the window; null for the defaults.</param>
    /// <param name="ownsWindow">Whether to dispose the window at the end, or when this call fails.</param>
    /// <exception cref="ArgumentException">The settings have problems, or the area does not fit into the window.</exception>
    /// <exception cref="ChannelException">There is none and none is to be made; it belongs to processes that cannot be told apart from here; or the memory is not sealed and should be.</exception>
    /// <exception cref="ProtocolException">It is of a later version, or damaged.</exception>
    public static ChannelArea Open(Window window, IParty party, ChannelAreaOptions? options = null, bool ownsWindow = false) => Open(window, party, options, ownsWindow, null);

    internal static ChannelArea Open(Window window, IParty party, ChannelAreaOptions? options, bool ownsWindow, Action? closed)
    {
        try
        {
            options ??= new();
            string[] problems = [.. options.Problems()];
            if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
            long room = window.LengthBytes - options.OffsetBytes, length = options.LengthBytes ?? AreaLayout.RoundUp(Math.Max(0, room) - AreaLayout.HeapGranule + 1, AreaLayout.HeapGranule);
            if (length <= AreaLayout.HeapStart(0, 1) || length > room)
                throw new ArgumentException($"An area of {length} bytes at offset {options.OffsetBytes} does not fit into a window of {window.LengthBytes} bytes.", nameof(options));
            bool isGuarded = window.TryGuard();
            if (window.CanShrink && (options.NeedsSealed ?? (!isGuarded && party.Domain == default)))
                throw new ChannelException(ChannelFault.NotSealed, $"This memory is not sealed: whoever holds it could cut it short{(isGuarded ? "" : ", which would end this process (SIGBUS)")}. Use a server that seals it (tombolo's does, unless the memory has a name), or set {nameof(ChannelAreaOptions.NeedsSealed)} to false.");
            return new(window, party, options with { LengthBytes = length }, ownsWindow, closed);
        }
        catch
        {
            if (ownsWindow) window.Dispose();
            throw;
        }
    }

    /// <summary>Whether an area is there, or one can be made without harm to anything else: nothing but zeros, or what somebody left who died while making one.</summary>
    /// <param name="window">The memory.</param>
    /// <param name="offsetBytes">Where in it; a multiple of 8. Up to 64 KiB from there are looked at.</param>
    public static bool MayBeAt(Window window, long offsetBytes)
    {
        byte[] bytes = new byte[Math.Clamp(window.LengthBytes - offsetBytes, 0, MostLookedAt)];
        window.View(offsetBytes, bytes.Length).CopyOut(0, bytes);
        int header = bytes.Length < AreaLayout.HeapGranule ? 0 : AreaLayout.PartyTableAt;   // half a header may be there; no area is shorter than that
        ulong first = header > 0 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        return first == AreaLayout.Magic || (first == 0 && !bytes.AsSpan(header).ContainsAnyExcept((byte)0));
    }

    /// <summary>Makes a channel, or finds the one of that name and shape.</summary>
    /// <param name="name">Its name; see <see cref="ChannelSpec.NameProblem"/>.</param>
    /// <param name="spec">Its shape and rights; null for a ring of 1 MiB.</param>
    /// <returns>True where it was made, false where it was there.</returns>
    /// <exception cref="ArgumentException">The name or the shape cannot be.</exception>
    /// <exception cref="ChannelException">The name is taken by a channel of another shape, or the area is full.</exception>
    public bool Create(string name, ChannelSpec? spec = null)
    {
        spec ??= new();
        string[] problems = [.. spec.Problems().Concat(ChannelSpec.NameProblem(name) is { } problem ? [problem] : [])];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(spec));
        return Locked(() =>
        {
            if (_table.Find(name, out DirectoryEntry entry) < 0)
            {
                _ = _table.Add(name, spec, Party.Id);
                return true;
            }
            ChannelHeader header = _table.HeaderOf(entry);
            if (header.Kind != spec.Kind || header.Capacity != (ulong)spec.CapacityBytes || header.Spokes != (uint)spec.EndsBehindHub)
                throw new ChannelException(ChannelFault.NameTaken, $"There is a channel '{name}' already, of another shape: {header.Kind} of {header.Capacity} bytes with {header.Spokes} spokes. Remove it first, or take another name.");
            return false;
        });
    }

    /// <summary>Removes a channel and what it holds.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="force">Remove it although living parties hold ends of it; they learn it at their next wait.</param>
    /// <returns>False where there is none of that name.</returns>
    /// <exception cref="ChannelException">A living party holds an end of it.</exception>
    public bool Remove(string name, bool force = false) => Locked(() =>
    {
        int index = _table.Find(name, out DirectoryEntry entry);
        if (index < 0) return false;
        if (!force && HolderOf(entry) is { } holder)
            throw new ChannelException(ChannelFault.EndTaken, $"Channel '{name}' is in use by {holder}; remove it by force, or when its ends are closed.");
        _table.Remove(index, entry);
        return true;
    });

    /// <summary>Every channel, in the order of their names. Damaged lines are left out.</summary>
    public IReadOnlyList<ChannelInfo> List() => Locked(() =>
    {
        var all = new List<ChannelInfo>();
        for (int index = 0; index < _shape.Entries; index++)
        {
            DirectoryEntry entry = _table.Read(index);
            if (entry.State != EntryLayout.Ready) continue;
            try { all.Add(Describe(entry, _table.HeaderOf(entry))); }
            catch (ProtocolException) { }
        }
        all.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        return all;
    });

    /// <summary>One channel.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Null where there is none.</returns>
    /// <exception cref="ProtocolException">Its line or its header is damaged.</exception>
    public ChannelInfo? Find(string name) => Locked(() => _table.Find(name, out DirectoryEntry entry) < 0 ? null : Describe(entry, _table.HeaderOf(entry)));

    /// <summary>Looks at what passes through a channel without taking part.</summary>
    /// <param name="name">A ring, fan-in or request channel; a broadcast is subscribed to instead, and a stream has no messages.</param>
    /// <param name="ring">Which of its rings.</param>
    /// <returns>The tap; it looks as long as this area is open.</returns>
    /// <exception cref="ChannelException">There is no such channel or ring, or it is a broadcast or a stream.</exception>
    /// <exception cref="ProtocolException">It is damaged.</exception>
    public RingTap Tap(string name, int ring = 0) => Locked(() =>
    {
        if (_table.Find(name, out DirectoryEntry entry) < 0) throw new ChannelException(ChannelFault.NotFound, $"There is no channel '{name}' in this area.");
        ChannelHeader header = _table.HeaderOf(entry);
        if (header.Kind == ChannelKind.Broadcast) throw new ChannelException(ChannelFault.WrongKind, $"Channel '{name}' is a broadcast; subscribe to it.");
        if (header.Kind == ChannelKind.Stream) throw new ChannelException(ChannelFault.WrongKind, $"Channel '{name}' is a stream: bytes without borders, of which no message can be shown.");
        if (ring < 0 || ring >= (int)header.Rings) throw new ChannelException(ChannelFault.NotFound, $"Channel '{name}' has rings 0 to {header.Rings - 1}, and no ring {ring}.");
        return new RingTap(this, _options.OffsetBytes + (long)entry.Offset + (long)header.RingsOffset + (ring * (long)header.RingStride), (int)header.Capacity);
    });

    /// <summary>Closes the ends that were opened here, and lets go of the memory.</summary>
    public void Dispose()
    {
        ChannelEnd[] ends;
        lock (_work)
        {
            if (_isDisposed) return;
            Volatile.Write(ref _isDisposed, true);
            lock (_lock) ends = [.. _ends];
        }
        foreach (ChannelEnd end in ends) end.Dispose();
        if (_tookEnds && !Party.IsGone) _closed?.Invoke();   // whoever only looked tidies nothing up
        Party.Leave(_parties);
        if (_ownsWindow) Window.Dispose();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <summary>Whether nothing is left here for anybody: no end is held by a living party, and no message waits.</summary>
    internal bool IsOver()
    {
        for (int index = 0; index < _shape.Entries; index++)
        {
            DirectoryEntry entry = _table.Read(index);
            if (entry.State != EntryLayout.Ready) continue;
            try
            {
                ChannelHeader header = _table.HeaderOf(entry);
                if (HolderOf(entry) is not null || Describe(entry, header).Rings.Any(ring => header.Kind != ChannelKind.Broadcast && ring.Head != ring.Tail)) return false;
            }
            catch (ProtocolException) { }   // nobody can open it
        }
        return true;
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed), this);

    internal void Forget(ChannelEnd end)
    {
        lock (_lock) _ = _ends.Remove(end);
    }

    private AreaShape ReadOrFormat()
    {
        long offset = _options.OffsetBytes, length = _options.LengthBytes!.Value;
        var gate = new DirectoryLock(Window.Word64(offset + AreaLayout.LockAt), Party, _options.Patience);
        if (!_options.Creates && AreaShape.Read(Window, offset, length) is null)
            throw new ChannelException(ChannelFault.NotFound, $"There are no channels at offset {offset} of this window.");
        PartyTable? met = AreaShape.Read(Window, offset, length) is { } there && there.Domain == Party.Domain ? PartiesOf(there) : null;   // whether the lock's holder lives is told by its heartbeat
        if (met is not null) Party.Meet(met);
        try { gate.Take(); }
        finally
        {
            if (met is not null) Party.Leave(met);
        }
        try
        {
            AreaShape? found = AreaShape.Read(Window, offset, length);
            if (found is { } shape && shape.Domain == Party.Domain) return shape;
            if (found is { } foreign && foreign.Domain.Boot == Party.Domain.Boot)
                throw new ChannelException(ChannelFault.Foreign, $"The channels at offset {offset} of this window belong to processes of another PID namespace, whose lives cannot be told from here; join over a fabric.");
            if (!_options.Creates)
                throw new ChannelException(ChannelFault.NotFound, $"The channels at offset {offset} of this window are left from an earlier boot.");
            AreaShape made = new(length, _options.Entries, _options.Parties, Party.Domain);
            if (made.HeapStart >= length) throw new ArgumentException($"An area of {length} bytes has no room behind a directory of {_options.Entries} channels and {_options.Parties} parties, which takes {made.HeapStart}.");
            made.Format(Window, offset);
            return made;
        }
        finally { gate.Release(); }
    }

    private PartyTable PartiesOf(AreaShape shape) => new(Window, _options.OffsetBytes + AreaLayout.PartyTableAt, shape.Parties);

    private T Locked<T>(Func<T> work)
    {
        lock (_work)
        {
            ThrowIfDisposed();
            if (Window.IsLost) throw ChannelException.Lost("The memory of these channels");
            var gate = new DirectoryLock(Window.Word64(_options.OffsetBytes + AreaLayout.LockAt), Party, _options.Patience);
            gate.Take();
            try
            {
                _table.Sweep();
                return work();
            }
            finally { gate.Release(); }
        }
    }

    private PartyId? HolderOf(in DirectoryEntry entry)
    {
        ChannelHeader header;
        try { header = _table.HeaderOf(entry); }
        catch (ProtocolException) { return null; }   // nobody can open it
        for (int end = 0; end <= (int)header.Spokes; end++)
        {
            var owner = new PartyId(EndOf(entry, end).Owner.ReadAcquire());
            if (!owner.IsNobody && Party.IsAlive(owner)) return owner;
        }
        return null;
    }

    private EndWords EndOf(in DirectoryEntry entry, int end) => new(Window, _options.OffsetBytes + (long)entry.Offset + ChannelLayout.EndAt(end));

    private ChannelInfo Describe(DirectoryEntry entry, ChannelHeader header)
    {
        var spec = new ChannelSpec { Kind = header.Kind, CapacityBytes = (int)header.Capacity, Spokes = header.Kind == ChannelKind.Stream ? 1 : (int)header.Spokes, Rights = new(entry.HubRight, entry.SpokeRight) };
        ChannelEndInfo[] ends = [.. Enumerable.Range(0, (int)header.Spokes + 1).Select(end => Describe(EndOf(entry, end)))];
        ChannelRingInfo[] rings = [.. Enumerable.Range(0, (int)header.Rings).Select(ring =>
        {
            var words = new RingWords(Window, _options.OffsetBytes + (long)entry.Offset + (long)header.RingsOffset + (ring * (long)header.RingStride), (int)header.Capacity);
            bool isBroadcast = header.Kind == ChannelKind.Broadcast;
            return new ChannelRingInfo(words.Head.ReadAcquire(), (isBroadcast ? words.Oldest : words.Tail).ReadAcquire(), words.HeadCount.ReadAcquire(), words.TailCount.ReadAcquire());
        })];
        return new(entry.Name, spec, entry.Creator, entry.Generation, (long)entry.Offset, (long)entry.Length, ends, rings);
    }

    private ChannelEndInfo Describe(EndWords end)
    {
        var owner = new PartyId(end.Owner.ReadAcquire());
        uint state = end.State.ReadAcquire();
        PeerState stands = state == ChannelLayout.Closed ? PeerState.Closed : owner.IsNobody ? PeerState.Absent : Party.IsAlive(owner) ? PeerState.Open : PeerState.Dead;
        return new(owner, stands, end.Epoch.ReadAcquire(), (end.Wait.ReadAcquire() & 1) != 0, end.Lost.ReadAcquire());
    }
}
