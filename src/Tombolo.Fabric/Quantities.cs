// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;

namespace Tombolo.Fabric;

/// <summary>Rates, shares and times as people write them, in <c>fabric.yaml</c> and on the command line.</summary>
public static partial class Quantities
{
    /// <summary>What a rate may be, for a sentence.</summary>
    public const string RateRule = "a rate such as 500kbit, 10Mbit or 1Gbit";

    /// <summary>What a share may be, for a sentence.</summary>
    public const string ShareRule = "a share from 0% to 100%, such as 0.5%";

    /// <summary>What a factor may be, for a sentence.</summary>
    public const string FactorRule = "how many times as fast, such as 1, 0.5 or 10, or 0 for as fast as can be";

    /// <summary>What a time may be, for a sentence.</summary>
    public const string TimeRule = "a duration such as 50us, 5ms or 2s";

    /// <summary>Reads bits per second; a suffix counts in powers of 1000.</summary>
    /// <param name="text">The text.</param>
    /// <param name="bits">Bits per second, at least 1.</param>
    /// <returns>False where it is no rate.</returns>
    public static bool TryRate(string text, out long bits)
    {
        Match match = RatePattern().Match(text);
        bits = !match.Success ? 0 : long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * match.Groups[2].Value switch { "k" => 1_000, "M" => 1_000_000, "G" => 1_000_000_000, _ => 1L };
        return bits > 0;
    }

    /// <summary>Reads a share in percent.</summary>
    /// <param name="text">The text.</param>
    /// <param name="share">0 to 1.</param>
    /// <returns>False where it is no share.</returns>
    public static bool TryShare(string text, out double share)
    {
        Match match = SharePattern().Match(text);
        share = match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) / 100 : 0;
        return match.Success && share <= 1;
    }

    /// <summary>Reads how many times as fast something goes.</summary>
    /// <param name="text">The text.</param>
    /// <param name="factor">0 or more.</param>
    /// <returns>False where it is no such number.</returns>
    public static bool TryFactor(string text, out double factor)
    {
        Match match = FactorPattern().Match(text);
        factor = match.Success ? double.Parse(text, CultureInfo.InvariantCulture) : 0;
        return match.Success;
    }

    /// <summary>Reads a time.</summary>
    /// <param name="text">The text.</param>
    /// <param name="time">The time.</param>
    /// <returns>False where it is none.</returns>
    public static bool TryTime(string text, out TimeSpan time)
    {
        Match match = TimePattern().Match(text);
        double count = match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        time = match.Groups[2].Value switch { "us" => TimeSpan.FromMicroseconds(count), "ms" => TimeSpan.FromMilliseconds(count), "m" => TimeSpan.FromMinutes(count), "h" => TimeSpan.FromHours(count), _ => TimeSpan.FromSeconds(count) };
        return match.Success;
    }

    /// <summary>Writes bits per second with the largest suffix that leaves a whole number.</summary>
    /// <param name="bits">Bits per second.</param>
    public static string Rate(long bits) => bits % 1_000_000_000 == 0 ? $"{bits / 1_000_000_000}Gbit" : bits % 1_000_000 == 0 ? $"{bits / 1_000_000}Mbit" : bits % 1000 == 0 ? $"{bits / 1000}kbit" : $"{bits}bit";

    /// <summary>Writes a share in percent.</summary>
    /// <param name="share">0 to 1.</param>
    public static string Share(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.######}%");

    /// <summary>Writes a time with the largest unit that leaves a whole number.</summary>
    /// <param name="time">The time.</param>
    public static string Time(TimeSpan time) => time.Ticks % TimeSpan.TicksPerSecond == 0 ? $"{time.TotalSeconds:0}s" : time.Ticks % TimeSpan.TicksPerMillisecond == 0 ? $"{time.TotalMilliseconds:0}ms" : $"{time.TotalMicroseconds:0}us";

    [GeneratedRegex("^([0-9]{1,9})([kMG]?)bit$")] private static partial Regex RatePattern();
    [GeneratedRegex(@"^([0-9]{1,3}(?:\.[0-9]{1,6})?)%$")] private static partial Regex SharePattern();
    [GeneratedRegex(@"^[0-9]{1,6}(\.[0-9]{1,6})?$")] private static partial Regex FactorPattern();
    [GeneratedRegex("^([0-9]{1,9})(us|ms|s|m|h)$")] private static partial Regex TimePattern();
}
