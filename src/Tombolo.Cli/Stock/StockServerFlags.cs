// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Tombolo.Ivshmem;

namespace Tombolo.Cli.Stock;

/// <summary>The stock server's flags with its defaults, and ours beside them, bound to <see cref="DoorbellServerOptions"/>.</summary>
/// <remarks>Source: QEMU 7.2 contrib/ivshmem-server, usage text.</remarks>
internal sealed class StockServerFlags
{
    private const int MaxFileMode = 0x1FF;   // 0777

    public Option<bool> Verbose { get; } = new("-v", "--verbose") { Description = "Say who comes and goes; only with -F or --log." };
    public Option<bool> Foreground { get; } = new("-F", "--foreground") { Description = "Stay in the foreground; without it the server becomes a daemon." };
    public Option<string> PidFile { get; } = new("-p", "--pid-file") { Description = "Where a daemon writes its process id.", HelpName = "file", DefaultValueFactory = _ => "/var/run/ivshmem-server.pid" };
    public Option<string> Socket { get; } = new("-S", "--socket") { Description = "The UNIX socket that clients connect to.", HelpName = "socket", DefaultValueFactory = _ => new DoorbellServerOptions().SocketPath };
    public Option<string> ShmName { get; } = new("-M", "--shm-name") { Description = "The POSIX shared memory object to make.", HelpName = "name", DefaultValueFactory = _ => "ivshmem" };
    public Option<string?> ShmFolder { get; } = new("-m", "--shm-dir") { Description = "Make the memory as a nameless file in this folder instead (a hugetlbfs, for instance).", HelpName = "dir" };
    public Option<long> Size { get; } = new("-l", "--size") { Description = "Size of the memory; K, M and G are powers of 1024.", HelpName = "size[K|M|G]", DefaultValueFactory = _ => 4 << 20, CustomParser = ParseSize };
    public Option<int> Vectors { get; } = new("-n", "--vectors") { Description = "Vectors of each client.", HelpName = "n", DefaultValueFactory = _ => 1, CustomParser = ParseNumber };

    public Option<bool> Memfd { get; } = new("--memfd") { Description = "Anonymous memory that no client can shrink, instead of -M or -m." };
    public Option<int> FirstId { get; } = new("--first-id") { Description = "The lowest ID that is given.", HelpName = "id", DefaultValueFactory = _ => 0 };
    public Option<int?> Sticky { get; } = new("--sticky") { Description = "Fixed slots, this many: an ID and its doorbells can be used again, which QEMU survives only in this way.", HelpName = "slots" };
    public Option<int?> RandomIds { get; } = new("--random-ids") { Description = "Give IDs at random, drawn from this seed; for tests.", HelpName = "seed" };
    public Option<int> MaxPeers { get; } = new("--max-peers") { Description = "How many clients at once; 0 means as many as the descriptor limit allows.", HelpName = "n", DefaultValueFactory = _ => 0 };
    public Option<int> Queue { get; } = new("--queue") { Description = "How many notices may wait for a client that does not read, before it is dropped.", HelpName = "n", DefaultValueFactory = _ => new DoorbellServerOptions().QueueNotices };
    public Option<string[]> AllowUid { get; } = new("--allow-uid") { Description = "A user, by name or number, who may connect; may be given again. Without --allow-uid and --allow-gid everybody may who can reach the socket.", HelpName = "user" };
    public Option<string[]> AllowGid { get; } = new("--allow-gid") { Description = "A group, by name or number, that may connect; may be given again.", HelpName = "group" };
    public Option<UnixFileMode?> Mode { get; } = new("--mode") { Description = "Permission bits of the socket, octal.", HelpName = "0660", CustomParser = ParseMode };
    public Option<string?> Group { get; } = new("--group") { Description = "Group of the socket, by name or number.", HelpName = "group" };
    public Option<bool> Keeper { get; } = new("--keeper") { Description = "Have a small second process hold the descriptors: a server that is killed can then be started again under its clients." };
    public Option<string?> LogFile { get; } = new("--log") { Description = "Append what the server has to say to this file.", HelpName = "file" };

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
        [Verbose, Foreground, PidFile, Socket, ShmName, ShmFolder, Size, Vectors, Memfd, FirstId, Sticky, RandomIds, MaxPeers, Queue, AllowUid, AllowGid, Mode, Group, Keeper, LogFile];

    /// <summary>What is wrong with the flags taken together; null where nothing is.</summary>
    public string? Problem(ParseResult parsed)
    {
        // The stock server refuses this too; a log file gives the words somewhere to go.
        if (parsed.GetValue(Verbose) && !parsed.GetValue(Foreground) && parsed.GetValue(LogFile) is null) return "A daemon has nowhere to be verbose; give -F or --log with -v";
        if (parsed.GetValue(Sticky) is not null && parsed.GetValue(RandomIds) is not null) return "--sticky and --random-ids cannot both be";
        if (parsed.GetValue(Memfd) && parsed.GetValue(ShmFolder) is not null) return "--memfd and -m cannot both be";
        return null;
    }

    /// <summary>The server's settings.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="keeper">How a keeper is started.</param>
    public DoorbellServerOptions Bind(ParseResult parsed, IReadOnlyList<string> keeper)
    {
        string? folder = parsed.GetValue(ShmFolder);
        int? sticky = parsed.GetValue(Sticky);
        int? seed = parsed.GetValue(RandomIds);
        return new()
        {
            SocketPath = Path.GetFullPath(parsed.GetRequiredValue(Socket)),
            SocketMode = parsed.GetValue(Mode),
            SocketGroup = parsed.GetValue(Group) is { } group ? Accounts.GroupId(group) : null,
            Backing = parsed.GetValue(Memfd) ? MemoryBacking.Memfd : folder is null ? MemoryBacking.Posix : MemoryBacking.Folder,
            MemoryName = folder is null ? parsed.GetRequiredValue(ShmName) : Path.GetFullPath(folder),
            SizeBytes = parsed.GetValue(Size),
            Vectors = parsed.GetValue(Vectors),
            Ids = sticky is not null ? IdPolicy.Sticky : seed is not null ? IdPolicy.Random : IdPolicy.Growing,
            Seed = seed ?? 1,
            FirstId = parsed.GetValue(FirstId),
            MaxPeers = sticky ?? parsed.GetValue(MaxPeers),
            QueueNotices = parsed.GetValue(Queue),
            AllowedUsers = [.. (parsed.GetValue(AllowUid) ?? []).Select(Accounts.UserId)],
            AllowedGroups = [.. (parsed.GetValue(AllowGid) ?? []).Select(Accounts.GroupId)],
            KeeperCommand = parsed.GetValue(Keeper) ? keeper : [],
        };
    }

    private static long ParseSize(ArgumentResult result)
    {
        if (ByteSize.TryParse(result.Tokens[0].Value, out long bytes)) return bytes;
        result.AddError($"The size '{result.Tokens[0].Value}' is not a number with K, M, G or nothing behind it");
        return 0;
    }

    // The stock server takes a number in any of C's notations.
    private static int ParseNumber(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        bool hexadecimal = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (int.TryParse(hexadecimal ? text[2..] : text, hexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return number;
        result.AddError($"The number of vectors '{text}' is not a number");
        return 0;
    }

    private static UnixFileMode? ParseMode(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        int bits = 0;
        bool octal = text.Length is > 0 and <= 4 && text.All(digit => digit is >= '0' and <= '7');
        if (octal) bits = Convert.ToInt32(text, 8);
        if (octal && bits <= MaxFileMode) return (UnixFileMode)bits;
        result.AddError($"The mode '{text}' is not octal permission bits from 0 to 0777");
        return null;
    }
}
