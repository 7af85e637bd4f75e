// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Switching;

namespace Tombolo.Cli.Switch;

/// <summary>The options that say how a port is: addresses, checks, and how bad its link.</summary>
internal sealed class SettingOptions
{
    private readonly Option<string[]> _macs = new("--mac") { Description = "Its card's address; may be given again.", HelpName = "address" };
    private readonly Option<int?> _mtu = new("--mtu") { Description = "The largest packet, 68 to 65535.", HelpName = "bytes" };
    private readonly Option<bool?> _learn = new("--learn") { Description = "Learn the addresses that it sends with; with 'false' no more." };
    private readonly Option<bool?> _anySource = new("--any-source") { Description = "Let it send with any address that is not another port's; with 'false' no more." };
    private readonly Option<string?> _rate = new("--rate") { Description = "Its link's speed, such as 10Mbit; 'none' for no limit.", HelpName = "rate" };
    private readonly Option<string?> _delay = new("--delay") { Description = "How long each frame is under way, such as 5ms.", HelpName = "time" };
    private readonly Option<string?> _jitter = new("--jitter") { Description = "Up to how much more.", HelpName = "time" };
    private readonly Option<string?> _loss = new("--loss") { Description = "Which share of the frames is lost, such as 1%.", HelpName = "share" };
    private readonly Option<string?> _duplicate = new("--duplicate") { Description = "Which share comes twice.", HelpName = "share" };
    private readonly Option<string?> _reorder = new("--reorder") { Description = "Which share is not delayed, and overtakes others.", HelpName = "share" };
    private readonly Option<int?> _seed = new("--seed") { Description = "What the choices follow from: the same seed, the same losses.", HelpName = "number" };
    private readonly Option<int?> _queue = new("--queue") { Description = "The most frames under way; more are lost.", HelpName = "frames" };
    private readonly Option<bool> _perfect = new("--perfect") { Description = "Begin with a perfect link, not with the one there is." };
    private readonly Option<string?> _way = new("--way") { Description = "Which way of the link: both (the default), to or from the guest.", HelpName = "way" };

    public SettingOptions() => _way.AcceptOnlyFromAmong("both", "to", "from");

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_macs, _mtu, _learn, _anySource, _rate, _delay, _jitter, _loss, _duplicate, _reorder, _seed, _queue, _perfect, _way];

    /// <summary>What they say.</summary>
    /// <exception cref="CommandException">A value is none.</exception>
    public SwitchPortChange ChangeOf(ParseResult parsed)
    {
        SwitchLinkChange change = new()
        {
            FromPerfect = parsed.GetValue(_perfect),
            BitsPerSecond = parsed.GetValue(_rate) is "none" ? 0 : Of<long>(parsed, _rate, Quantities.TryRate, Quantities.RateRule),
            Delay = Of<TimeSpan>(parsed, _delay, Quantities.TryTime, Quantities.TimeRule),
            Jitter = Of<TimeSpan>(parsed, _jitter, Quantities.TryTime, Quantities.TimeRule),
            Loss = Of<double>(parsed, _loss, Quantities.TryShare, Quantities.ShareRule),
            Duplicate = Of<double>(parsed, _duplicate, Quantities.TryShare, Quantities.ShareRule),
            Reorder = Of<double>(parsed, _reorder, Quantities.TryShare, Quantities.ShareRule),
            Seed = parsed.GetValue(_seed),
            QueueFrames = parsed.GetValue(_queue),
        };
        SwitchLinkChange? link = change == new SwitchLinkChange() ? null : change;
        string way = parsed.GetValue(_way) ?? "both";
        return new()
        {
            Macs = parsed.GetValue(_macs) is { Length: > 0 } macs ? macs : null,
            Mtu = parsed.GetValue(_mtu),
            Learns = parsed.GetValue(_learn),
            AnySource = parsed.GetValue(_anySource),
            ToGuest = way is "from" ? null : link,
            FromGuest = way is "to" ? null : link,
        };
    }

    /// <summary>A link in words.</summary>
    public static string Words(LinkConditions? link)
    {
        if (link is null) return "perfect";
        List<string> words = [];
        if (link.BitsPerSecond > 0) words.Add(Quantities.Rate(link.BitsPerSecond));
        if (link.Delay > TimeSpan.Zero) words.Add($"delay {Quantities.Time(link.Delay)}");
        if (link.Jitter > TimeSpan.Zero) words.Add($"jitter {Quantities.Time(link.Jitter)}");
        if (link.Loss > 0) words.Add($"loss {Quantities.Share(link.Loss)}");
        if (link.Duplicate > 0) words.Add($"duplicate {Quantities.Share(link.Duplicate)}");
        if (link.Reorder > 0) words.Add($"reorder {Quantities.Share(link.Reorder)}");
        if (link.Loss + link.Duplicate + link.Reorder > 0 || link.Jitter > TimeSpan.Zero) words.Add(string.Create(CultureInfo.InvariantCulture, $"seed {link.Seed}"));
        return string.Join(", ", words);
    }

    private delegate bool Reading<T>(string text, out T value);

    private static T? Of<T>(ParseResult parsed, Option<string?> option, Reading<T> read, string rule) where T : struct
    {
        if (parsed.GetValue(option) is not { } text) return null;
        return read(text, out T value) ? value : throw new CommandException($"{option.Name} is '{Printable.Text(text)}'; it must be {rule}", ExitCode.WrongUse);
    }
}
