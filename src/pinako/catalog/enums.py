"""Every word list that the wire knows (domain.md b, rest.md 7). All lists are open: data may carry words beyond them."""

from __future__ import annotations

# --- models -------------------------------------------------------------------------------------------------------

MODEL_TYPES = (
    "Checkpoint", "TextualInversion", "Hypernetwork", "AestheticGradient", "LORA", "LoCon", "DoRA", "Controlnet",
    "Upscaler", "MotionModule", "VAE", "TextEncoder", "UNet", "CLIPVision", "Poses", "Wildcards", "Workflows",
    "ComfyWorkflows", "Detection", "VisionLanguage", "CLIP", "LLM", "Other",
)  # fmt: skip
MODEL_STATUSES = (
    "Draft", "Training", "Published", "Scheduled", "Unpublished", "UnpublishedViolation", "GatherInterest", "Deleted",
)  # fmt: skip
MODEL_MODES = ("Archived", "TakenDown")
UPLOAD_TYPES = ("Created", "Trained")
USAGE_CONTROLS = ("Download", "Generation", "InternalGeneration", "ExternalGeneration")
CHECKPOINT_TYPES = ("Trained", "Merge")
COMMERCIAL_USES = ("None", "Image", "RentCivit", "Rent", "Sell")
AVAILABILITIES = ("Public", "Unsearchable", "Private", "EarlyAccess")
TRAINING_STATUSES = (
    "Pending", "Submitted", "Paused", "Denied", "Processing", "InReview", "Failed", "Approved", "Expired",
)  # fmt: skip
BASE_MODEL_TYPES = ("Standard", "Inpainting", "Refiner", "Pix2Pix")

# --- files of a version -------------------------------------------------------------------------------------------

FILE_TYPES = (
    "Model", "Text Encoder", "Vision Encoder", "Pruned Model", "Negative", "Training Data", "VAE", "Config", "Archive",
    "UNet", "Diffusion Model", "CLIPVision", "ControlNet", "Workflow", "Upscaler", "Enhancement LoRA", "Other",
)  # fmt: skip
MAIN_FILE_TYPES = ("Model", "Pruned Model", "Diffusion Model", "UNet")
"""The types that may be a version's primary file before any other (rest.md 8.4)."""

LEGACY_FILE_TYPES = {"PrunedModel": "Pruned Model", "TrainingData": "Training Data"}
"""Spellings of 2022, accepted wherever a file type comes in."""

FILE_FORMATS = ("SafeTensor", "PickleTensor", "GGUF", "Diffusers", "Core ML", "ONNX", "Other")
FILE_SIZES = ("full", "pruned")
FILE_FPS = ("fp32", "fp16", "bf16", "mxfp8", "fp8_mixed", "fp8_scaled", "fp8", "int8", "nf4", "nvfp4", "int4")
QUANT_TYPES = (
    "None", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_XL", "Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0",
    "Q3_K_XL", "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K_XL", "Q2_K", "Q2_K_S", "IQ4_XS", "IQ4_KS", "IQ4_NL", "IQ3_M",
    "IQ3_S", "IQ3_XS", "IQ3_XXS", "IQ2_XS", "IQ2_XXS", "IQ2_S", "IQ2_M", "IQ1_S", "IQ1_M", "TQ2_0", "TQ1_0",
)  # fmt: skip
FILE_VISIBILITIES = ("Sensitive", "Private", "Public")
SCAN_RESULTS = ("Pending", "Success", "Danger", "Error")
HASH_TYPES = ("AutoV1", "AutoV2", "AutoV3", "SHA256", "CRC32", "BLAKE3")
HASH_LENGTHS = {"AutoV1": 8, "AutoV2": 10, "AutoV3": 12, "SHA256": 64, "CRC32": 8, "BLAKE3": 64}
"""Hex digits of each hash kind as served; the words are in the order in which the wire shows them."""

COMPONENT_TYPES = (
    "Checkpoint", "VAE", "TextEncoder", "UNet", "DiffusionModel", "CLIPVision", "CLIP", "VisionLanguage", "ControlNet",
    "Upscaler", "Workflow", "Config", "Other",
)  # fmt: skip

# --- images and posts ---------------------------------------------------------------------------------------------

MEDIA_TYPES = ("image", "video", "audio")
INGESTION_STATUSES = ("Pending", "Scanned", "Error", "Blocked", "NotFound", "PendingManualAssignment", "Rescan")
REVIEW_REASONS = ("minor", "poi", "reported", "csam", "tag", "newUser", "appeal", "modRule", "remixSource")
GENERATION_PROCESSES = ("txt2img", "txt2imgHiRes", "img2img", "inpainting")
LEGACY_LEVELS = ("None", "Soft", "Mature", "X", "Blocked")

# --- people, reactions, tags, collections -------------------------------------------------------------------------

REACTIONS = ("Like", "Dislike", "Laugh", "Cry", "Heart")
COUNTED_REACTIONS = ("Like", "Heart", "Laugh", "Cry")
"""What an image's reactionCount sums; a dislike is kept and not counted (domain.md e)."""

TAG_TYPES = ("UserGenerated", "Label", "Moderation", "System")
TAG_TARGETS = ("Model", "Question", "Image", "Post", "Tag", "Article", "Bounty", "Collection", "Model3D")
TAG_SOURCES = (
    "User", "Rekognition", "WD14", "Computed", "ImageHash", "Hive", "MinorDetection", "HiveDemographics", "Clavata",
    "SpineRating", "AiRecognition", "AnimeRecognition",
)  # fmt: skip
COLLECTION_TYPES = ("Model", "Article", "Post", "Image", "Model3D")
COLLECTION_MODES = ("Contest", "Bookmark")
COLLECTION_READS = ("Private", "Public", "Unlisted")
COLLECTION_WRITES = ("Private", "Public", "Review")
COLLECTION_ITEM_STATUSES = ("ACCEPTED", "REVIEW", "REJECTED")
CONTRIBUTOR_PERMISSIONS = ("VIEW", "ADD", "ADD_REVIEW", "MANAGE")
USER_ENGAGEMENTS = ("Follow", "Hide", "Block")
MODEL_ENGAGEMENTS = ("Favorite", "Hide", "Mute", "Notify")
IMAGE_ENGAGEMENTS = ("Favorite", "Hide")
MEMBERSHIP_TIERS = ("free", "founder", "bronze", "silver", "gold")


def file_type_word(word: str) -> str:
    """Today's spelling of a file type of any age; unknown words pass as they are."""
    return LEGACY_FILE_TYPES.get(word, word)
