// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>How a window with grants is laid out: what its first page says. Immutable; change with <c>with</c>.</summary>
/// <remarks>Source: docs/specs/grant-window.md, guest/linux/uapi/tombolo_grant.h. Whoever joins reads it once, and checks it (<see cref="Read"/>): nothing in it may lead out of the window.</remarks>
public sealed record GrantWindowShape
{
    /// <summary>The first eight bytes: "TMBLGRNT".</summary>
    public const ulong Magic = 0x544e52474c424d54;
    /// <summary>The version of the layout.</summary>
    public const uint Version = 1;
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = IGrants.PageBytes;
    /// <summary>In an area: where the copy requests are.</summary>
    public const int CopiesAt = 1024;
    /// <summary>How many copy requests an area has.</summary>
    public const int Copies = 16;
    /// <summary>Bytes of a copy request.</summary>
    public const int CopyBytes = 64;
    /// <summary>In an area: the ring page of the store.</summary>
    public const int RingAt = 4096;
    /// <summary>The lowest number of a port.</summary>
    public const uint FirstPort = 1;
    private const int EventsAt = 8192, Ready = 1;
    private const int StateAt = 12, MaxDomains = 256, MaxEach = 65536, MaxPages = 524288;

    /// <summary>Places for domains, the host's place 0 included, 2..256. Place n is the peer with ID n. Default 8.</summary>
    public int Domains { get; init; } = 8;
    /// <summary>The domain of place n &gt; 0 is this plus n; place 0 is always domain 0. Windows of one host differ in it. Default 0.</summary>
    public int FirstDomain { get; init; }
    /// <summary>Event channel ports of each domain, port 0 included: a multiple of 64, 64..65536. Default 1024.</summary>
    public int Ports { get; init; } = 1024;
    /// <summary>Grants of each domain, the eight reserved included: a multiple of 64, 64..65536. Default 1024.</summary>
    public int Entries { get; init; } = 1024;
    /// <summary>Pages that each domain can grant, 1..524288. Default 1024 (4 MiB).</summary>
    public int Pages { get; init; } = 1024;

    internal long AreasAt { get; private init; } = PageBytes;
    internal int PendingAt { get => field != 0 ? field : EventsAt; private init; }
    internal int MaskedAt { get => field != 0 ? field : PendingAt + (Ports / 8); private init; }
    internal int WordsAt { get => field != 0 ? field : MaskedAt + (Ports / 8); private init; }
    internal int TableAt { get => field != 0 ? field : (int)Up(WordsAt + (8L * Ports)); private init; }
    internal int FirstPageAt { get => field != 0 ? field : (int)Up(TableAt + (8L * Entries)); private init; }
    internal long StrideBytes { get => field != 0 ? field : FirstPageAt + ((long)Pages * PageBytes); private init; }

    /// <summary>Bytes that are laid out.</summary>
    public long LengthBytes => AreasAt + (StrideBytes * Domains);

    /// <summary>The size of a window that holds it: a power of two, as QEMU wants it.</summary>
    public long WindowBytes => (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)LengthBytes);

    /// <summary>What is wrong with it, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Domains is < 2 or > MaxDomains) yield return $"There are places for {Domains} domains; there must be 2 to {MaxDomains}.";
        if (FirstDomain < 0 || FirstDomain + Domains > DomainId.Highest + 1) yield return $"The domains are numbered from {FirstDomain} on; the highest domain is {DomainId.Highest}.";
        if (Ports is < 64 or > MaxEach || Ports % 64 != 0) yield return $"There are {Ports} ports; there must be 64 to {MaxEach}, a multiple of 64.";
        if (Entries is < 64 or > MaxEach || Entries % 64 != 0) yield return $"There are {Entries} grants; there must be 64 to {MaxEach}, a multiple of 64.";
        if (Pages is < 1 or > MaxPages) yield return $"There are {Pages} pages for each domain; there must be 1 to {MaxPages}.";
    }

    /// <summary>Where a domain's area begins.</summary>
    /// <param name="place">Its place, 0..<see cref="Domains"/> - 1.</param>
    public long AreaOf(int place) => AreasAt + (StrideBytes * place);

    /// <summary>The place of a domain.</summary>
    /// <returns>Null where it has none in this window.</returns>
    public int? PlaceOf(DomainId domain) => domain.Value == 0 ? 0 : domain.Value > FirstDomain && domain.Value - FirstDomain < Domains ? domain.Value - FirstDomain : null;

    /// <summary>The domain of a place.</summary>
    /// <param name="place">0..<see cref="Domains"/> - 1.</param>
    public DomainId DomainOf(int place) => new((ushort)(place == 0 ? 0 : FirstDomain + place));

    /// <summary>Writes the first page of a window whose bytes are all zero, and makes it valid.</summary>
    /// <param name="window">At least <see cref="LengthBytes"/> long; nobody uses it yet.</param>
    public void LayOut(Window window)
    {
        string[] problems = [.. Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems));
        if (window.LengthBytes < LengthBytes) throw new ArgumentOutOfRangeException(nameof(window), window.LengthBytes, $"The window of {window.LengthBytes} bytes is smaller than the {LengthBytes} bytes of its domains.");
        SharedView head = window.View(0, PageBytes);
        head.WriteRelease64(0, Magic);
        head.WriteRelease32(8, Version);
        head.WriteRelease64(16, (ulong)LengthBytes);
        foreach ((int at, long value) in ((int, long)[])[(24, Domains), (28, FirstDomain), (32, Ports), (36, Entries), (40, Pages), (64, PendingAt), (68, MaskedAt), (72, WordsAt), (76, TableAt), (80, FirstPageAt)])
            head.WriteRelease32(at, (uint)value);
        head.WriteRelease64(48, (ulong)AreasAt);
        head.WriteRelease64(56, (ulong)StrideBytes);
        // ORDER: the page before its state.  PAIRS WITH: Read, and tombolo_read_shape() in grant_main.c.
        head.WriteRelease32(StateAt, Ready);
    }

    /// <summary>Reads the first page of a window, once, and checks it.</summary>
    /// <param name="window">Any window.</param>
    /// <exception cref="GrantException"><see cref="GrantFault.Lost"/>: it holds no grants, or what it says cannot be.</exception>
    public static GrantWindowShape Read(Window window)
    {
        if (window.LengthBytes < PageBytes) throw NotOurs($"it has {window.LengthBytes} bytes, less than a page");
        SharedView head = window.View(0, PageBytes);
        ulong magic = head.ReadAcquire64(0);
        uint state = head.ReadAcquire32(StateAt), version = head.ReadAcquire32(8);
        if (magic != Magic || state != Ready) throw NotOurs("its first page is not a grant window's");
        if (version != Version) throw NotOurs($"its layout has version {version}, and only {Version} is known");
        var shape = new GrantWindowShape
        {
            Domains = Small(head, 24),
            FirstDomain = Small(head, 28),
            Ports = Small(head, 32),
            Entries = Small(head, 36),
            Pages = Small(head, 40),
            AreasAt = Long(head, 48),
            StrideBytes = Long(head, 56),
            PendingAt = Small(head, 64),
            MaskedAt = Small(head, 68),
            WordsAt = Small(head, 72),
            TableAt = Small(head, 76),
            FirstPageAt = Small(head, 80),
        };
        if (shape.Problems().FirstOrDefault() is { } problem) throw NotOurs(problem.TrimEnd('.'));
        return shape.Fits(window.LengthBytes) ? shape : throw NotOurs("its parts do not lie within it");
    }

    private bool Fits(long windowBytes) =>
        AreasAt >= PageBytes && AreasAt % PageBytes == 0 && AreasAt <= windowBytes
        && StrideBytes >= EventsAt && StrideBytes % PageBytes == 0 && StrideBytes <= windowBytes && StrideBytes * Domains <= windowBytes - AreasAt
        && Within(PendingAt, Ports / 8) && Within(MaskedAt, Ports / 8) && Within(WordsAt, 8L * Ports) && Within(TableAt, 8L * Entries)
        && Within(FirstPageAt, (long)Pages * PageBytes) && FirstPageAt % PageBytes == 0;

    private bool Within(int at, long bytes) => at >= EventsAt && at % 8 == 0 && at + bytes <= StrideBytes;

    // Numbers that would be negative are out of every range that is checked.
    private static int Small(SharedView head, int at) => (int)Math.Min(head.ReadAcquire32(at), int.MaxValue);

    private static long Long(SharedView head, int at) => (long)Math.Min(head.ReadAcquire64(at), long.MaxValue >> 8);

    private static long Up(long bytes) => (bytes + PageBytes - 1) & -PageBytes;

    private static GrantException NotOurs(string why) => new(GrantFault.Lost, $"The window holds no grants: {why}.");
}
