// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>What a row of the ledger stands for.</summary>
internal enum RowState : uint
{
    Free = 0,
    /// <summary>Somebody who can be rung.</summary>
    Present = 1,
    /// <summary>Somebody who left, of which others have yet to be told.</summary>
    Leaving = 2,
}

/// <summary>One row: who it is, and how far the conversation with it has come.</summary>
internal readonly record struct LedgerRow(RowState State, PeerId Id, int Vectors, PeerCredentials Who, long JoinSequence, int HeaderSteps, bool IsLive);

/// <summary>A message whose sending has begun and may, or may not, have happened when the server died.</summary>
internal readonly record struct Undecided(NoticeKind Kind, int Member, int Index);

/// <summary>
/// What the server has told to whom, written before and after each message, in memory that outlives the server.
/// A successor reads it and goes on in the middle of every conversation.
/// </summary>
/// <remarks>
/// Theory of operation. The server is the only writer; the reader is its successor, after its death, so program order is all the ordering there is to keep.
/// Each message is sent between <see cref="Begin"/> and <see cref="End"/>; the progress is written before <see cref="End"/>. If a client's mark is found with the progress not yet written,
/// one message to it, and never more than one, is undecided; <see cref="Recovery"/> settles it by evidence.
/// <code>
/// 0: magic | 8: version u32, rows u32 | 16: next ID u32, round u32 | 24: sequence u64 | 32: options' print u64
/// 128: rows, 64 bytes each: state, id, vectors, uid, gid, pid, header steps, live (u32), join sequence u64, then the mark: kind+1 (0 none), member, index (u32)
/// then, page-aligned: told[client][member] u16, how many of the member's messages the client was sent
/// </code>
/// </remarks>
internal sealed class Ledger : IDisposable
{
    private const ulong Magic = 0x31304C444D425454;   // "TTBMDL01"
    private const uint Version = 1;
    private const int Rows = 128, RowBytes = 64;
    private readonly Window _window;
    private readonly int _rowCount;
    private readonly long _toldOffset;
    private readonly int _toldStride;
    private int _highestRow;   // above it nothing was ever told: memory that stays untouched is not there

    private Ledger(SafeFd fd, int rows, int highestRow)
    {
        _highestRow = highestRow;
        Descriptor = fd;
        _rowCount = rows;
        _toldOffset = ToldOffset(rows);
        _toldStride = ToldStride(rows);
        _window = Window.Map(fd);
    }

    /// <summary>The memfd, for the keeper; owned.</summary>
    public SafeFd Descriptor { get; }

    public int RowCount => _rowCount;

    /// <summary>Makes an empty ledger.</summary>
    /// <param name="rows">How many members there can be at once.</param>
    /// <param name="optionsPrint">What a successor's options must agree on.</param>
    public static Ledger Create(int rows, ulong optionsPrint)
    {
        SafeFd fd = Memfd.Create("tombolo-ledger", ToldOffset(rows) + ((long)rows * ToldStride(rows)));
        var ledger = new Ledger(fd, rows, highestRow: 0);
        SharedView header = ledger.Header;
        header.WriteRelease32(8, Version);
        header.WriteRelease32(12, (uint)rows);
        header.WriteRelease64(32, optionsPrint);
        header.WriteRelease64(0, Magic);
        return ledger;
    }

    /// <summary>Opens the ledger of a server that died.</summary>
    /// <param name="fd">Its memfd, owned from now on.</param>
    /// <param name="optionsPrint">What its options must have agreed on.</param>
    /// <param name="fault">Why it cannot be used, a sentence.</param>
    /// <returns>The ledger, or null.</returns>
    public static Ledger? TryOpen(SafeFd fd, ulong optionsPrint, out string fault)
    {
        fault = "the ledger that the keeper holds is not one of this version";
        long size = SharedFile.SizeOf(fd);
        if (size < Rows) return null;
        uint rows;
        using (Window window = Window.Map(fd, Rows, writable: false))
        {
            SharedView header = window.View(0, Rows);
            if (header.ReadAcquire64(0) != Magic || header.ReadAcquire32(8) != Version) return null;
            rows = header.ReadAcquire32(12);
            if (rows is 0 or > 1 << 18 || ToldOffset((int)rows) + (rows * (long)ToldStride((int)rows)) != size) return null;
            if (header.ReadAcquire64(32) != optionsPrint)
            {
                fault = "the fabric that the keeper holds was started with another memory size, vector count, ID policy or place for peers, or with other contents";
                return null;
            }
        }
        return new(fd, (int)rows, (int)rows - 1);
    }

    public int NextId => (int)Header.ReadAcquire32(16);

    public bool WasRound => Header.ReadAcquire32(20) != 0;

    public long Sequence
    {
        get => (long)Header.ReadAcquire64(24);
        set => Header.WriteRelease64(24, (ulong)value);
    }

    public void SetNextId(int next, bool wasRound)
    {
        Header.WriteRelease32(16, (uint)next);
        if (wasRound) Header.WriteRelease32(20, 1);
    }

    /// <summary>The message to a client that was under way, or null.</summary>
    public Undecided? Mark(int client)
    {
        SharedView mark = MarkOf(client);
        uint kind = mark.ReadAcquire32(0);
        return kind is 0 or > (uint)NoticeKind.Leave + 1 ? null : new((NoticeKind)(kind - 1), (int)mark.ReadAcquire32(4), (int)mark.ReadAcquire32(8));
    }

    // ORDER: the mark's fields before its kind, the kind before the system call that sends.  PAIRS WITH: Mark, read by the successor after this process died.
    public void Begin(NoticeKind kind, int client, int member, int index)
    {
        SharedView mark = MarkOf(client);
        mark.WriteRelease32(4, (uint)member);
        mark.WriteRelease32(8, (uint)index);
        mark.WriteRelease32(0, (uint)kind + 1);
    }

    public void End(int client) => MarkOf(client).WriteRelease32(0, 0);

    public LedgerRow Read(int slot)
    {
        SharedView row = Row(slot);
        return new((RowState)row.ReadAcquire32(0), new((ushort)row.ReadAcquire32(4)), (int)row.ReadAcquire32(8),
            new((int)row.ReadAcquire32(20), row.ReadAcquire32(12), row.ReadAcquire32(16)), (long)row.ReadAcquire64(32), (int)row.ReadAcquire32(24), row.ReadAcquire32(28) != 0);
    }

    /// <summary>Fills a row; its state goes last, so that a half-filled one is still free.</summary>
    public void Write(int slot, PeerId id, int vectors, PeerCredentials who, long joinSequence)
    {
        SharedView row = Row(slot);
        row.WriteRelease32(4, id.Value);
        row.WriteRelease32(8, (uint)vectors);
        row.WriteRelease32(12, who.UserId);
        row.WriteRelease32(16, who.GroupId);
        row.WriteRelease32(20, (uint)who.ProcessId);
        row.WriteRelease32(24, 0);
        row.WriteRelease32(28, 0);
        row.WriteRelease64(32, (ulong)joinSequence);
        row.WriteRelease32(40, 0);
        row.WriteRelease32(0, (uint)RowState.Present);
        _highestRow = Math.Max(_highestRow, slot);
    }

    public void SetState(int slot, RowState state) => Row(slot).WriteRelease32(0, (uint)state);

    public void SetHeaderSteps(int slot, int steps) => Row(slot).WriteRelease32(24, (uint)steps);

    public void SetLive(int slot) => Row(slot).WriteRelease32(28, 1);

    /// <summary>How many of a member's messages a client was sent.</summary>
    public int Told(int client, int member) => _window.View(ToldAt(client, member), 2).ReadAcquire16(0);

    public void SetTold(int client, int member, int count) => _window.View(ToldAt(client, member), 2).WriteRelease16(0, (ushort)count);

    /// <summary>Forgets what a client was told.</summary>
    public void ForgetTold(int client) => _window.View(ToldAt(client, 0), _toldStride).Clear(0, (_highestRow + 1) * sizeof(ushort));

    public void Dispose()
    {
        _window.Dispose();
        Descriptor.Dispose();
    }

    private SharedView Header => _window.View(0, Rows);

    private SharedView MarkOf(int client) => _window.View(Rows + ((long)CheckSlot(client) * RowBytes) + 40, 12);

    private SharedView Row(int slot) => _window.View(Rows + ((long)CheckSlot(slot) * RowBytes), RowBytes);

    private long ToldAt(int client, int member) => _toldOffset + ((long)CheckSlot(client) * _toldStride) + (CheckSlot(member) * 2L);

    private int CheckSlot(int slot) => (uint)slot < (uint)_rowCount ? slot : throw new ArgumentOutOfRangeException(nameof(slot), slot, $"The ledger has {_rowCount} rows.");

    private static long ToldOffset(int rows) => (Rows + ((long)rows * RowBytes) + 4095) & ~4095L;

    private static int ToldStride(int rows) => ((rows * 2) + 63) & ~63;
}
