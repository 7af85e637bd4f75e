// SPDX-License-Identifier: MIT
namespace Tombolo.Cli.Output;

/// <summary>What a word tells a reader at a glance.</summary>
internal enum Tone
{
    Plain,
    Good,
    Doubtful,
    Bad,
}

/// <summary>The few words that readers look for.</summary>
internal static class Tones
{
    public static Tone Of(string word) => word switch
    {
        "ready" or "ok" => Tone.Good,
        "starting" or "waiting" or "stopping" or "warning" => Tone.Doubtful,
        "failed" or "dead" or "missing" => Tone.Bad,
        _ => Tone.Plain,
    };
}
