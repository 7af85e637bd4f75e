// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>One region on the host: its memory, its signals, its doorbells.</summary>
/// <remarks>
/// Offsets are the region's own, the numbers that the guest uses too (its mapping of <c>/dev/NAME</c>, its ioctls, the signal tables): the data begins at <see cref="DataOffset"/>.
/// To tell the other side: change a word, then <see cref="Signal"/> its offset. To be told: <see cref="Wait"/> or <see cref="WaitAsync"/> for a word to differ from what was read.
/// Thread-safe but for <see cref="Dispose"/>; any number of threads and processes may signal and wait at once, and any of them may be killed.
/// </remarks>
public sealed class RegionClient : IDisposable
{
    private static readonly TimeSpan _roomPause = TimeSpan.FromMilliseconds(1), _longestPause = TimeSpan.FromMilliseconds(16);   // many who wait must not starve the guest that they wait for

    private readonly Lock _gate = new();     // guards that _receiver is made once
    private readonly Lock _claims = new();   // guards that _permission is one at a time; held while the server claims
    private readonly RegionClientOptions _options;
    private readonly RegionDescriptors _fds;
    private readonly Window _window;
    private readonly ConcurrentDictionary<uint, int> _sleepers = new();   // offsets on which threads of this process sleep, and how many
    private readonly AsyncSleepers _async;
    private volatile RegionReceiver? _receiver;
    private volatile RegionPermission? _permission;
    private volatile bool _isDisposed;

    private RegionClient(RegionClientOptions options, RegionDescriptors fds, Window window, RegionLayout layout, int index)
    {
        (_options, _fds, _window, Layout, Index) = (options, fds, window, layout, index);
        _async = new(window);
    }

    /// <summary>All of the window's regions, as the window said when this one was opened.</summary>
    public RegionLayout Layout { get; }

    /// <summary>The region's index.</summary>
    public int Index { get; }

    /// <summary>The region as the window described it.</summary>
    public RegionDescriptor Descriptor => Layout.Regions[Index];

    /// <summary>The region's name.</summary>
    public string Name => Descriptor.Name;

    /// <summary>Where its data begins.</summary>
    public uint DataOffset => Descriptor.DataOffset;

    /// <summary>The region's length in bytes: one past its last offset.</summary>
    public uint LengthBytes => Descriptor.LengthBytes;

    /// <summary>Whether this client may only look.</summary>
    public bool IsReadOnly => !_window.IsWritable;

    /// <summary>Whether another region manages this one, so that a permission is needed to see anything of it.</summary>
    public bool IsManaged => Descriptor.ManagedBy != 0;

    /// <summary>The part that this client may use: the data, or the area of its permission; nothing where it needs one and has none.</summary>
    public (uint Begin, uint End) Area =>
        _permission is { } held ? (held.Begin, held.End) : IsManaged && !_options.Unscoped ? (DataOffset, DataOffset) : (DataOffset, LengthBytes);

    /// <summary>Rings of the guest, for one's own loop: watch it edge-triggered and read nothing, for all of the host's clients share it. Borrowed.</summary>
    public SafeFd FromGuest => _fds.FromGuest;

    /// <summary>Raised on a thread of the client's own after each ring of the guest, once what was signalled is taken. Return at once, and do not throw. It begins with the first wait, or <see cref="Listen"/>.</summary>
    public event Action? Rung;

    /// <summary>Opens a region.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">Where and how; null for the defaults.</param>
    /// <exception cref="ArgumentException">The name cannot be, or the options have problems.</exception>
    /// <exception cref="RegionException">Nobody serves there, there is no such region for this user, or what the server gave does not fit together.</exception>
    /// <exception cref="LinuxException">The window cannot be mapped.</exception>
    public static RegionClient Open(string name, RegionClientOptions? options = null)
    {
        options ??= new();
        if (RegionDescriptor.NameProblem(name) is { } bad) throw new ArgumentException($"'{name}' cannot name a region: {bad}.", nameof(name));
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        RegionDescriptors fds = RegionDescriptors.Ask(name, options);
        Window? window = null;
        try
        {
            window = Map(fds.Window, options.ReadOnly);
            if (!RegionLayout.TryRead(window, out RegionLayout? layout, out string fault)) throw new RegionException($"Region '{name}' cannot be opened: {fault}");
            int index = layout!.IndexOf(name);
            if (index < 0 || layout.Regions[index].BeginOffset != fds.Begin || layout.Regions[index].EndOffset != fds.End)
                throw new RegionException($"Region '{name}' cannot be opened: the server places it at 0x{fds.Begin:x} to 0x{fds.End:x}, and the window's table does not; somebody has written over it.");
            return new(options, fds, window, layout, index);
        }
        catch
        {
            window?.Dispose();
            fds.Dispose();
            throw;
        }
    }

    /// <summary>A checked view of a part that this client may use.</summary>
    /// <param name="offset">Where it begins, from the region's begin.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not within <see cref="Area"/>.</exception>
    /// <exception cref="RegionException">The region needs a permission, and this client has none.</exception>
    public SharedView View(uint offset, int lengthBytes)
    {
        Check(offset, lengthBytes);
        return _window.View(Descriptor.BeginOffset + offset, lengthBytes);
    }

    /// <summary>All that this client may use, from <see cref="Area"/>'s begin.</summary>
    /// <exception cref="RegionException">The region needs a permission, and this client has none.</exception>
    public SharedView Data() => Area is var (begin, end) ? View(begin, (int)(end - begin)) : default;

    /// <summary>Wakes whoever sleeps at an offset. Change the word first.</summary>
    /// <param name="offset">The word: a multiple of 4 within <see cref="Area"/>.</param>
    /// <param name="sides">Whose sleepers. Default everybody's.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such word.</exception>
    /// <exception cref="RegionException">This client may only look; or the guest's table is full and stays so: nobody there takes signals.</exception>
    public void Signal(uint offset, SignalSides sides = SignalSides.Both)
    {
        long start = _options.Time.GetTimestamp();
        TimeSpan pause = _roomPause;
        while (!TrySignal(offset, sides))
        {
            if (_options.Time.GetElapsedTime(start) >= _options.RoomTimeout)
                throw new RegionException($"The signal at 0x{offset:x} of region '{Name}' found no room in {Descriptor.HostToGuest.Slots} slots for {_options.RoomTimeout.TotalSeconds:0.###} s: the guest takes no signals.");
            Outgoing.AwaitRoom(offset, pause);
            if (pause < _longestPause) pause *= 2;
            sides &= ~SignalSides.Host;   // those were woken
        }
    }

    /// <summary>As <see cref="Signal"/>, without waiting for room.</summary>
    /// <param name="offset">The word.</param>
    /// <param name="sides">Whose sleepers.</param>
    /// <returns>False where the guest's table is full: its receiver was rung, the host's own sleepers were woken, and the guest's were not.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such word.</exception>
    /// <exception cref="RegionException">This client may only look.</exception>
    public bool TrySignal(uint offset, SignalSides sides = SignalSides.Both)
    {
        CheckWord(offset);
        if (IsReadOnly) throw new RegionException($"Region '{Name}' was opened for reading only; signals are written into its table.");
        if ((sides & SignalSides.Host) != 0) WakeHere(offset);
        if ((sides & SignalSides.Guest) == 0) return true;
        RegionGround ground = Outgoing;
        return SignalProtocol.TrySend(ref ground, offset);
    }

    /// <summary>Rings the guest's doorbell of this region, with nothing in the table. A reader's ring goes nowhere.</summary>
    public void Ring() => EventFd.Signal(_fds.ToGuest);

    /// <summary>What waits in the table that the guest writes, at one moment.</summary>
    public SignalState SignalsFromGuest() => StateOf(Descriptor.GuestToHost);

    /// <summary>What waits in the table that the host writes, at one moment.</summary>
    public SignalState SignalsToGuest() => StateOf(Descriptor.HostToGuest);

    /// <summary>Begins to hear the guest's rings; waits do so by themselves.</summary>
    public void Listen() => EnsureReceiver();

    /// <summary>Sleeps while a word holds a value.</summary>
    /// <param name="offset">The word: a multiple of 4 within <see cref="Area"/>.</param>
    /// <param name="expected">The value.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <returns>False where the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such word.</exception>
    /// <exception cref="ObjectDisposedException">The region was closed meanwhile.</exception>
    public bool Wait(uint offset, uint expected, TimeSpan timeout)
    {
        CheckWord(offset);
        long start = _options.Time.GetTimestamp();
        _ = _sleepers.AddOrUpdate(offset, 1, static (_, count) => count + 1);   // before the word is looked at: from here on a ring wakes us
        try
        {
            EnsureReceiver();
            while (true)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                SharedView word = _window.View(Descriptor.BeginOffset + offset, sizeof(uint));
                if (word.ReadAcquire32(0) != expected) return true;
                TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - _options.Time.GetElapsedTime(start);
                if (left != Timeout.InfiniteTimeSpan && left <= TimeSpan.Zero) return false;
                _ = Futex.Wait(ref word.Word32(0), expected, left);
            }
        }
        finally
        {
            while (!(_sleepers[offset] is var count && (count > 1 ? _sleepers.TryUpdate(offset, count - 1, count) : _sleepers.TryRemove(new(offset, count))))) { }
        }
    }

    /// <summary>Completes once a word differs from a value; no thread of the caller waits.</summary>
    /// <param name="offset">The word: a multiple of 4 within <see cref="Area"/>.</param>
    /// <param name="expected">The value.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such word.</exception>
    /// <exception cref="RegionException">The kernel is older than 5.16.</exception>
    /// <exception cref="ObjectDisposedException">The region was closed meanwhile.</exception>
    public Task WaitAsync(uint offset, uint expected, CancellationToken cancel = default)
    {
        CheckWord(offset);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        EnsureReceiver();
        return _async.WaitAsync(Descriptor.BeginOffset + offset, expected, cancel);
    }

    /// <summary>Claims an area of a region that this one manages: its owner word goes from 0 to a value, and back when the permission is given back.</summary>
    /// <param name="managed">The managed region, open in this process; it sees the area from now on.</param>
    /// <param name="begin">Where the area begins in the managed region: a multiple of the page size, within its data.</param>
    /// <param name="end">One past its end: a multiple of the page size.</param>
    /// <param name="ownerOffset">The owner word: a multiple of 4 within this region's data.</param>
    /// <param name="ownedValue">What the owner word holds while it is claimed; not 0.</param>
    /// <returns>The permission; dispose it to give it back. It is given back with the managed client, too.</returns>
    /// <exception cref="RegionPermissionException">Not managed by this region, malformed, owned by another, or the managed client has one already.</exception>
    /// <exception cref="RegionException">This client may only look; or the server does not answer in time, and gives back what it claimed.</exception>
    /// <remarks>Either client may go on signalling and waiting meanwhile. Source: the guest's CREATE_FD_SCOPED_PERMISSION, with the same checks.</remarks>
    public RegionPermission CreatePermission(RegionClient managed, uint begin, uint end, uint ownerOffset, uint ownedValue)
    {
        RegionPermission.Check(this, managed, begin, end, ownerOffset, ownedValue);
        lock (managed._claims)
        {
            if (managed._permission is not null) throw new RegionPermissionException(PermissionFault.Exists, $"This client of region '{managed.Name}' has a permission already; it can have one.");
            return managed._permission = RegionPermission.Claim(this, managed, begin, end, ownerOffset, ownedValue);
        }
    }

    /// <summary>Closes the region: waits end with an <see cref="ObjectDisposedException"/>, a permission is given back. Views must not be used any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }
        _permission?.Dispose();
        while (!_sleepers.IsEmpty)   // threads that are about to sleep, or sleep: woken until they have gone
        {
            foreach (uint offset in _sleepers.Keys) WakeHere(offset);
            _ = Thread.Yield();
        }
        _receiver?.Dispose();
        _async.Dispose();
        _window.Dispose();
        _fds.Dispose();
    }

    internal RegionClientOptions Options => _options;

    /// <summary>The window's object, borrowed.</summary>
    internal SafeFd Memory => _fds.Window;

    internal void Forget(RegionPermission permission)
    {
        lock (_claims)
            if (ReferenceEquals(_permission, permission)) _permission = null;
    }

    private static Window Map(SafeFd fd, bool readOnly)
    {
        if (!readOnly)
            try { return Window.Map(fd); }
            catch (LinuxException exception) when (exception.Errno == Errno.AccessDenied) { }   // opened for reading only: that is what the server grants
        return Window.Map(fd, writable: false);
    }

    private RegionGround Outgoing => new(_window, Descriptor, Descriptor.HostToGuest, _fds.ToGuest);

    private SignalState StateOf(SignalTable table)
    {
        var ground = new RegionGround(_window, Descriptor, table, _fds.ToGuest);
        return new(table.Slots, ground.ReadSignalled() != 0, [.. Enumerable.Range(0, table.Slots).Select(ground.ReadSlot).Where(static held => held != 0).Select(static held => held & SignalProtocol.OffsetMask)]);
    }

    private void WakeHere(uint offset) => Futex.Wake(ref _window.View(Descriptor.BeginOffset + offset, sizeof(uint)).Word32(0));

    private void EnsureReceiver()
    {
        if (_receiver is not null) return;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _receiver ??= new(_fds.FromGuest, new(Descriptor.HostToGuest.Slots), Take, LookAgain, offset =>
            {
                RegionGround ground = Outgoing;
                return SignalProtocol.TrySend(ref ground, offset);
            });
        }
    }

    // On the receiver's thread. A reader cannot take: others do.
    private bool Take(OwedSignals owed)
    {
        if (IsReadOnly) return false;
        var ground = new RegionGround(_window, Descriptor, Descriptor.GuestToHost, _fds.FromGuest, owed);
        for (int round = 0; round < SignalProtocol.MaxRounds; round++)
        {
            _ = SignalProtocol.Receive(ref ground, LengthBytes);
            if (ground.ReadSignalled() == 0) return false;
        }
        return true;
    }

    private void LookAgain()
    {
        foreach (uint offset in _sleepers.Keys) WakeHere(offset);
        _async.LookAgain();
        Rung?.Invoke();
    }

    private void CheckWord(uint offset)
    {
        if ((offset & 3) != 0) throw new ArgumentOutOfRangeException(nameof(offset), offset, $"0x{offset:x} is no place for a word: it must be a multiple of 4.");
        Check(offset, sizeof(uint));
    }

    private void Check(uint offset, int lengthBytes)
    {
        (uint begin, uint end) = Area;
        if (begin == end && IsManaged) throw new RegionException($"Region '{Name}' is managed by '{Layout.Regions[(int)Descriptor.ManagedBy].Name}'; a permission from there is needed to use it.");
        if (lengthBytes < 0 || offset < begin || offset + (long)lengthBytes > end)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{lengthBytes} bytes at 0x{offset:x} are not within 0x{begin:x} to 0x{end:x} of region '{Name}'.");
    }
}
